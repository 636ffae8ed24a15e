import DLLayers
import DLTestSupport
import Foundation

/// A small network whose outputs in another program are to be those that dltrain predicts.
struct ExportCase {
  /// What its rows are.
  enum Rows { case image, sequence, row, tokens, lengths, bytes }

  let name: String
  let rows: Rows
  /// Words of `model.layers`, before a linear layer of three outputs.
  let layers: String
  /// Further keys of the job.
  let more: String
  /// Whether it can be written as ONNX; each can be as PyTorch code.
  let isONNX: Bool

  init(_ name: String, _ rows: Rows, _ layers: String, more: String = "", isONNX: Bool = true) {
    self.name = name
    self.rows = rows
    self.layers = layers
    self.more = more
    self.isONNX = isONNX
  }

  /// The sizes of a row.
  var shape: [Int] {
    switch rows {
    case .image: [8, 8, 4]
    case .sequence, .lengths: [10, 4]
    case .row: [12]
    case .tokens: [10]
    case .bytes: [8, 8, 3]
    }
  }

  /// Every word of `model.layers` stands in one of them.
  static let all = written + made

  private static let written = images + sequences + texts

  /// The layers that no case above holds, each with the rows and the options that it trains on.
  private static let made: [ExportCase] = {
    let known = words(of: written)
    return LayerRegistry.builtIn.filter { !known.contains($0.word) }.compactMap { spec in
      RequiredOptions.texts(spec).flatMap { options in
        let layer = options.isEmpty ? spec.word : "{\(spec.word): {\(options)}}"
        return [Rows.image, .sequence, .row, .tokens].map { ExportCase(spec.word, $0, layer) }
      }.first { $0.isWhole }
    }
  }()

  /// The words that cases hold; each ends with the first two, and two are cases of ``ExportedPart``.
  static func words(of cases: [ExportCase]) -> Set<String> {
    let text = cases.map(\.layers).joined(separator: " ")
    return Set(text.split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init))
      .union(["flatten", "linear", "crf", "detect"])
  }

  /// Whether the job trains.
  private var isWhole: Bool {
    let trains = try? TemporaryFolder.with { folder in
      try writeRows(in: folder)
      return RegistryJobs.trains(job, in: folder)
    }
    return trains ?? false
  }

  private static let images = [
    ExportCase(
      "conv2d", .image,
      """
      {conv2d: {out: 6, kernel: 3, stride: 2, padding: 1, groups: 2}},
      relu
      """),
    ExportCase(
      "conv2d-sides", .image,
      """
      {conv2d: {out: 4, kernel: [3, 2], padding: [1, 0, 2, 1], dilation: [2, 1], bias: false}}
      """),
    ExportCase(
      "conv2d-same", .image,
      """
      {conv2d: {out: 4, kernel: 4, padding: same}}
      """),
    ExportCase(
      "conv-transpose2d", .image,
      """
      {conv_transpose2d: {out: 4, kernel: 3, stride: 2, padding: 1, output_padding: 1, groups:
      2}}
      """),
    ExportCase(
      "norms-image", .image,
      """
      {concat: {branches: [[batch_norm], [{batch_norm: {affine: false, eps: 0.1}}],
      [layer_norm], [{layer_norm: {bias: false}}], [{layer_norm: {elementwise_affine: false}}],
      [{layer_norm: {normalized_shape: [8, 4]}}], [{group_norm: {num_groups:
      2}}], [instance_norm], [{instance_norm: {affine: true}}], [rms_norm], [{rms_norm:
      {normalized_shape: [8, 8, 4], eps: 0.01, elementwise_affine: false}}]]}}
      """),
    ExportCase(
      "spectral-norm", .image,
      """
      {spectral_norm: {layers: [{conv2d: {out: 4, kernel: 3}}]}},
      flatten,
      {spectral_norm: {layers: [{linear: {out: 8, bias: false}}]}}
      """),
    ExportCase(
      "activations-image", .image,
      """
      {concat: {branches: [[relu], [{leaky_relu: {negative_slope: 0.2}}], [sigmoid], [tanh],
      [gelu], [{gelu: {approximate: tanh}}], [silu], [softmax], [log_softmax], [relu6],
      [hardsigmoid], [hardswish], [{elu: {alpha: 0.5}}], [selu], [softplus], [{softplus:
      {beta: 2, threshold: 1}}], [prelu], [{prelu: {num_parameters: 4}}], [{maxout: {pieces:
      2}}]]}}
      """),
    ExportCase(
      "max-pool2d", .image,
      """
      {concat: {branches: [[{max_pool2d: {kernel: 3, stride: 2, padding: 1}}, flatten],
      [{max_pool2d: {kernel: 2, dilation: 2}}, flatten], [{max_pool2d: {kernel: 3, stride: 2,
      ceil_mode: true}}, flatten], [{max_pool2d: {kernel: 2, stride: 3, padding: 1, dilation:
      3, ceil_mode: true}}, flatten]]}}
      """),
    ExportCase(
      "avg-pool2d", .image,
      """
      {concat: {branches: [[{avg_pool2d: {kernel: 3, stride: 2, padding: 1}}, flatten],
      [{avg_pool2d: {kernel: [2, 3], padding: [1, 0], count_include_pad: false}}, flatten],
      [{avg_pool2d: {kernel: 3, stride: 2, padding: 1, ceil_mode: true}}, flatten],
      [{avg_pool2d: {kernel: 3, stride: [2, 3], padding: 1, ceil_mode: true,
      count_include_pad: false}}, flatten]]}}
      """),
    ExportCase(
      "adaptive-pool2d", .image,
      """
      {concat: {branches: [[{adaptive_avg_pool2d: {output_size: 4}}, flatten],
      [{adaptive_avg_pool2d: {output_size: [3, 5]}}, flatten], [{adaptive_max_pool2d:
      {output_size: 4}}, flatten], [{adaptive_max_pool2d: {output_size: [3, 5]}}, flatten]]}}
      """),
    ExportCase(
      "global-pool2d", .image,
      """
      {concat: {branches: [[global_avg_pool2d], [global_max_pool2d], [{conv2d: {out: 2,
      kernel: 1}}, global_avg_pool2d]]}}
      """),
    ExportCase(
      "upsample-nearest", .image,
      """
      {concat: {branches: [[{upsample: {scale_factor: 2}}, flatten], [{upsample:
      {scale_factor: [1.7, 0.6]}}, flatten], [{upsample: {size: [11, 5]}}, flatten]]}}
      """),
    ExportCase(
      "upsample-bilinear", .image,
      """
      {concat: {branches: [[{upsample: {scale_factor: 2, mode: bilinear}}, flatten],
      [{upsample: {scale_factor: 3, mode: bilinear, align_corners: true}}, flatten],
      [{upsample: {scale_factor: [1.7, 0.6], mode: bilinear}}, flatten], [{upsample: {size:
      [5, 13], mode: bilinear, align_corners: true}}, flatten]]}}
      """),
    ExportCase(
      "pixels", .image,
      """
      {pixel_shuffle: {upscale_factor: 2}},
      {zero_pad2d: {top: 1, bottom: 1, left: 2}},
      {conv2d: {out: 2, kernel: 1}},
      {pixel_unshuffle: {downscale_factor: 2}}
      """),
    ExportCase(
      "spatial-transformer", .image,
      """
      {spatial_transformer: {layers: [{conv2d: {out: 2, kernel: 3}}, flatten, {linear: {out:
      4}}], init: {normal: {std: 0.2}}}}
      """),
    ExportCase(
      "spatial-transformer-border", .image,
      """
      {spatial_transformer: {layers: [{linear: {out: 2}}], size: [6, 9], padding_mode: border,
      align_corners: true, init: {normal: {std: 0.2}}}}
      """),
    ExportCase(
      "residual", .image,
      """
      {residual: {layers: [{conv2d: {out: 4, kernel: 3, padding: 1}}, batch_norm, relu]}},
      {residual: {layers: [{conv2d: {out: 8, kernel: 3, stride: 2, padding: 1}}], shortcut:
      [{conv2d: {out: 8, kernel: 1, stride: 2}}]}}
      """),
    ExportCase(
      "branches", .image,
      """
      {concat: {branches: {one: [{conv2d: {out: 4, kernel: 1}}], two: []}}},
      {sum: {branches: [[{conv2d: {out: 8, kernel: 1}}], []]}},
      {multiply: {branches: [[], [global_avg_pool2d, {linear: {out: 8}}, sigmoid]]}},
      {concat: {axis: 1, branches: [[], [relu]]}}
      """),
    ExportCase(
      "chains", .image,
      """
      {sequential: {layers: [{conv2d: {out: 4, kernel: 3}}, relu]}},
      {repeat: {times: 2, layers: [{conv2d: {out: 4, kernel: 3, padding: 1}}, tanh]}},
      {multiply: {branches: [[sigmoid], []]}},
      {drop_path: {p: 0.1}},
      {channel_dropout: {p: 0.1}},
      {dropout: {p: 0.1}}
      """),
    ExportCase(
      "dense-block", .image,
      """
      {dense_block: {layers: 2, growth: 2, dropout: 0.1}},
      {dense_block: {layers: 1, growth: 2, bottleneck: null}}
      """),
    ExportCase(
      "inner-chain", .image,
      """
      {concat: {branches: [[flatten], [{conv2d: {out: 2, kernel: 3}}, flatten, {linear: {out:
      4}}]]}}
      """),
    ExportCase(
      "linear-image", .image,
      """
      {linear: {out: 6}},
      {unflatten: {shape: [16, 24]}},
      {linear: {out: 6}}
      """),
    ExportCase(
      "vision-transformer", .image,
      """
      {conv2d: {out: 8, kernel: 2, stride: 2}},
      tokens,
      class_token,
      {positional: {kind: learned}},
      {transformer_encoder_layer: {heads: 2, feed_forward: 16, norm_first: true, activation:
      gelu}},
      layer_norm,
      select
      """),
    ExportCase(
      "select", .image,
      """
      {concat: {branches: [[{select: {axis: 1, position: 2}}, flatten], [{select: {axis: 2,
      position: -1}}, flatten], [{select: {axis: 3, position: 1}}, flatten]]}}
      """),
    ExportCase(
      "bytes", .bytes,
      """
      {conv2d: {out: 4, kernel: 3}},
      relu,
      {max_pool2d: {kernel: 2}},
      flatten
      """),
  ]
}
