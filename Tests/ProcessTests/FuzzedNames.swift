import DLCore
import DLFormats
import Foundation

/// Small jobs that hold names of the registries that those of ``FuzzedJobs`` have not, and that need
/// data, options or neighbors of their own; ``RegistryJobs`` makes those of the others.
enum FuzzedNames {
  static let all: [(name: String, yaml: String)] =
    [
      ("image-layers", imageLayers), ("row-layers", rowLayers),
      ("sequence-layers", sequenceLayers), ("token-layers", tokenLayers), ("bag", bag),
      ("made-up-tokens", tokens),
      ("branch-layers", branchLayers), ("one-hot", oneHot), ("crf", crf),
      ("objects", objects), ("sampled", sampled),
    ] + losses + optimizers + metrics + models

  private static let imageLayers = """
    data: {synthetic: {shape: [8, 8, 4], classes: 3, rows: 16}, augment: [alternating_flip]}
    model:
      layers:
        - spatial_transformer: {layers: [flatten, {linear: {out: 4}}]}
        - conv_transpose2d: {out: 4, kernel: 2}
        - group_norm: {num_groups: 2}
        - instance_norm
        - upsample: {scale_factor: 2}
        - avg_pool2d: {kernel: 2}
        - adaptive_avg_pool2d: {output_size: 4}
        - adaptive_max_pool2d: {output_size: 4}
        - pixel_unshuffle: {downscale_factor: 2}
        - pixel_shuffle: {upscale_factor: 2}
        - channel_dropout: {p: 0.1}
        - drop_path: {p: 0.1}
        - residual: {layers: [{conv2d: {out: 4, kernel: 1}}, global_avg_pool2d],
                     shortcut: [global_max_pool2d]}
        - linear: {out: 3}
    optimizer: {name: nadam, lr: 0.01}
    batch_size: 8
    steps: 1

    """

  private static let sampled = """
    data: {synthetic: {shape: [12], classes: 3, rows: 16}, sampler: {weights: [1, 0.5, 2]},
           folds: {count: 4, fold: 1}, workers: 2}
    model: {layers: [{linear: {out: 3}}]}
    batch_size: 8
    steps: 1

    """

  private static let branchLayers = """
    data: {synthetic: {shape: [8, 8, 4], classes: 3, rows: 16}}
    model:
      layers:
        - concat: {branches: [[{conv2d: {out: 4, kernel: 1}}], []]}
        - sum: {branches: [[{conv2d: {out: 8, kernel: 1}}], []]}
        - multiply: {branches: [[sigmoid], []]}
        - repeat: {times: 2, layers: [relu]}
        - sequential: {layers: [tanh]}
        - dense_block: {layers: 1, growth: 2}
        - spectral_norm: {layers: [{conv2d: {out: 4, kernel: 1}}]}
        - tokens
        - class_token
        - select
        - linear: {out: 8}
        - unflatten: {shape: [2, 2, 2]}
        - flatten
        - linear: {out: 3}
    adversarial: {epsilon: 0.1, steps: 2}
    engine: blas
    optimizer: {name: adam, lr: 0.01, clip_weights: 0.5}
    batch_size: 8
    steps: 1

    """

  private static let tokens = """
    data: {synthetic: {tokens: 6, vocabulary: 9, rows: 16}}
    model: {layers: [{embedding: {entries: 9, size: 4}}, {linear: {out: 9}}]}
    batch_size: 8
    steps: 1

    """

  private static let oneHot = """
    data: {train: text/train.safetensors, window: 16}
    model: {layers: [{one_hot: {classes: 64}}, {linear: {out: 64}}]}
    batch_size: 8
    steps: 1

    """

  private static let rowLayers = """
    data: {synthetic: {shape: [12], classes: 3, rows: 16}}
    model:
      layers: [{linear: {out: 8}}, relu, leaky_relu, sigmoid, tanh, silu, softmax, relu6,
               hardsigmoid, hardswish, elu, selu, softplus, {linear: {out: 3}}, log_softmax]
    loss: nll
    optimizer: {name: radam, lr: 0.01}
    batch_size: 8
    steps: 1

    """

  private static let sequenceLayers = """
    data: {synthetic: {shape: [16, 4], classes: 3, rows: 16}}
    model:
      layers:
        - conv1d: {out: 4, kernel: 3, padding: 1}
        - conv_transpose1d: {out: 4, kernel: 2}
        - max_pool1d: {kernel: 2}
        - avg_pool1d: {kernel: 2}
        - adaptive_avg_pool1d: {output_size: 8}
        - adaptive_max_pool1d: {output_size: 8}
        - rnn: {hidden: 4}
        - gru: {hidden: 4}
        - lstm: {hidden: 4}
        - positional
        - multi_head_attention: {heads: 2}
        - transformer_encoder_layer: {heads: 2, feed_forward: 8}
        - residual: {layers: [global_avg_pool1d], shortcut: [global_max_pool1d]}
        - linear: {out: 3}
    optimizer: {name: lion, lr: 0.001}
    batch_size: 8
    steps: 1

    """

  private static let tokenLayers = """
    data: {train: text/train.safetensors, window: 16}
    model: {layers: [{embedding: {entries: 64, size: 8}}, {linear: {out: 64}}]}
    optimizer: {name: adadelta}
    validate: {every_steps: 1, metrics: [perplexity]}
    batch_size: 8
    steps: 1

    """

  private static let crf = """
    data: {train: text/train.safetensors, validation: text/validation.safetensors, window: 8}
    model: {layers: [{embedding: {entries: 64, size: 8}}, {linear: {out: 64}}, crf]}
    batch_size: 4
    steps: 1

    """

  private static let objects = """
    data: {train: objects/train.safetensors, validation: objects/train.safetensors}
    model: {layers: [{conv2d: {out: 14, kernel: 1, stride: 4}}, {detect: {classes: 10}}]}
    validate: {every_steps: 1, metrics: [{mean_average_precision: {iou: 0.4}}]}
    batch_size: 4
    steps: 1

    """

  private static let bag = """
    data: {train: bags.safetensors}
    model: {layers: [{embedding_bag: {entries: 64, size: 8}}, {linear: {out: 3}}]}
    optimizer: {name: rmsprop}
    batch_size: 8
    steps: 1

    """

  private static func job(
    _ name: String, _ lines: String,
    data: String = "synthetic: {shape: [12], classes: 3, rows: 16}",
    outputs: Int = 3
  ) -> (name: String, yaml: String) {
    (
      name,
      """
      data: {\(data)}
      model: {layers: [{linear: {out: \(outputs)}}]}
      \(lines)
      batch_size: 8
      steps: 1

      """
    )
  }

  private static let losses = [
    job("loss-cross-entropy", "loss: {cross_entropy: {label_smoothing: 0.1}}"),
    job(
      "loss-ctc",
      "loss: {ctc: {blank: 0}}\nvalidate: {every_steps: 1, metrics: [label_error_rate]}",
      data: "train: ctc.safetensors, validation: ctc.safetensors"),
  ]

  private static let optimizers = [
    job(
      "init",
      "init: {from: start.safetensors, rename: {\"old.*\": \"0.*\"}, except: [\"*.bias\"]}\n"
        + "optimizer: {name: adamw, layer_decay: 0.5}"),
    job(
      "optimizer-muon",
      "optimizer: {name: muon, groups: [{match: bias, name: adamw, lr: 0.001}]}"),
    job("schedule-exponential", "schedule: {name: exponential, step_size: 2, gamma: 0.5}"),
  ]

  private static let classMetrics =
    "accuracy, exact_match, {top_k: {k: 2}}, precision, recall, f1, confusion_matrix, roc_auc"

  private static let metrics = [
    (
      "metrics-classes",
      """
      data: {train: "embedded:digits-validation", validation: "embedded:digits-validation",
             augment: [{brightness: {strength: 0.1}}, {contrast: {strength: 0.1}},
                       random_resized_crop, color_jitter], mix: {mixup: 0.2}}
      model: {name: digits_cnn}
      validate: {every_steps: 1, metrics: [\(classMetrics)]}
      batch_size: 8
      steps: 1

      """
    ),
    (
      "metrics-translation",
      """
      data: {train: pairs/a.safetensors, validation: pairs/a.safetensors, order: bucketed}
      model: {name: transformer, layers: 1, width: 16, heads: 2, feed_forward: 32}
      validate: {every_steps: 1, metrics: [bleu]}
      batch_size: 8
      steps: 1

      """
    ),
  ]

  /// Writes the data that the jobs name besides those of ``FuzzedJobs``.
  static func writeData(to folder: String) throws {
    try writeTensors(to: folder)
    try FileManager.default.createDirectory(
      atPath: folder + "/graph", withIntermediateDirectories: true)
    let nodes = (0..<8).map { "\($0)\t\($0 % 2)\t\($0 < 6 ? "train" : "val")\t\($0) \($0 + 1)\n" }
    try nodes.joined().write(
      toFile: folder + "/graph/nodes.tsv", atomically: true, encoding: .utf8)
    let edges = (0..<7).map { "\($0)\t\($0 + 1)\n" }
    try edges.joined().write(
      toFile: folder + "/graph/edges.tsv", atomically: true, encoding: .utf8)
    for words in [
      ["data", "pack", "cora", "graph", "-o", "graph.safetensors"],
      ["train", "features.yaml", "--ranks", "1", "--out", "features-run"],
    ] {
      let outcome = try Program.run(words, in: folder)
      guard outcome.status == 0 else { throw CocoaError(.fileWriteUnknown) }
    }
  }

  /// Writes those that need no command.
  static func writeTensors(to folder: String) throws {
    func write(_ name: String, _ tensors: [SafetensorsTensor]) throws {
      try SafetensorsWriter.write(tensors, to: "\(folder)/\(name).safetensors")
    }
    func integers(_ count: Int, _ value: (Int) -> Int) -> [Int32] {
      (0..<count).map { Int32(value($0)) }
    }
    let x = { (count: Int) in (0..<count).map { Float($0 * 7919 % 101) / 101 } }
    try write(
      "values",
      [
        .of("x", .float32, [16, 12], x(192)),
        .of("y", .float32, [16, 2], (0..<32).map { Float(($0 / 2 + $0) % 2) }),
      ])
    try write("start", [.of("old.weight", .float32, [3, 12], x(36))])
    try write(
      "bags",
      [
        .of("x", .int32, [16, 5], integers(80) { $0 * 7919 % 64 }),
        .of("y", .int32, [16], integers(16) { $0 % 3 }),
      ])
    try write(
      "pictures",
      [
        .of("x", .float32, [16, 28, 28, 1], x(12_544)),
        .of("y", .int32, [16], integers(16) { $0 % 2 }),
      ])
    try write(
      "ctc",
      [
        .of("x", .float32, [16, 8, 12], x(1536)),
        .of("y", .int32, [16, 2], integers(32) { 1 + $0 % 2 }),
      ])
  }
}
