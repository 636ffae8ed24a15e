import DLConfiguration
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

private let images = """
  data: {synthetic: {shape: [12, 10, 4], classes: 10}}
  model:
    layers:
      - conv2d: {out: 6, kernel: [3, 4], padding: same, dilation: 2, groups: 2}
      - conv2d: {out: 6, kernel: 3, padding: [0, 2, 1, 1], groups: 6, bias: false}
      - conv_transpose2d: {out: 8, kernel: [4, 3], stride: [2, 1], padding: 1, output_padding: [1, 0], groups: 2}
      - upsample: {scale_factor: [0.5, 2], mode: bilinear, align_corners: true}
      - pixel_shuffle: {upscale_factor: 2}
      - zero_pad2d: {bottom: 1, right: 3}
      - max_pool2d: {kernel: 2, stride: 1, dilation: [1, 2]}
      - max_pool2d: {kernel: [1, 2], ceil_mode: true}
      - pixel_unshuffle: {downscale_factor: 1}
      - spatial_transformer: {layers: [{adaptive_avg_pool2d: {output_size: [2, 3]}}, flatten], size: [9, 8]}
      - adaptive_max_pool2d: {output_size: 3}
      - upsample: {size: [4, 5]}
      - global_max_pool2d
      - linear: {out: 10}
  """

private let sequences = """
  data: {synthetic: {shape: [20, 3], classes: 10}}
  model:
    layers:
      - conv1d: {out: 6, kernel: 3, padding: [4, 0], dilation: 2, groups: 3}
      - conv1d: {out: 6, kernel: 4, padding: same}
      - max_pool1d: {kernel: 3, stride: 2, padding: 1}
      - conv_transpose1d: {out: 4, kernel: 4, stride: 2, padding: 1}
      - avg_pool1d: {kernel: 3, stride: 2, count_include_pad: false, ceil_mode: true}
      - upsample: {scale_factor: 1.5, mode: linear}
      - adaptive_avg_pool1d: {output_size: 7}
      - adaptive_max_pool1d: {output_size: 5}
      - global_avg_pool1d
      - linear: {out: 10}
  """

/// The words of convolution, pooling and sampling: their shapes, what they write back, their faults.
@Suite struct WindowSpecTests {
  /// Words, the input's shape, and the shapes behind each layer.
  static let cases: [(String, Shape, [Shape])] = [
    (
      images, [12, 10, 4],
      [
        [12, 10, 6], [12, 10, 6], [25, 10, 8], [12, 20, 8], [24, 40, 2], [25, 43, 2], [24, 41, 2],
        [24, 21, 2], [24, 21, 2], [9, 8, 2], [3, 3, 2], [4, 5, 2], [2], [10],
      ]
    ),
    (
      sequences, [20, 3],
      [[20, 6], [20, 6], [10, 6], [20, 4], [10, 4], [15, 4], [7, 4], [5, 4], [4], [10]]
    ),
  ]

  @Test(arguments: cases)
  func chains(_ text: String, _ input: Shape, _ shapes: [Shape]) throws {
    Engine.current.select()
    let job = try Configuration.load(yaml: text)
    #expect(try Configuration.load(yaml: job.yaml()) == job)
    let chain = try LayerConfiguration.chain(#require(job.model.layers), input: input)
    let context = Context(precision: .float32)
    _ = try ParameterArena(chain, context: context)
    var (shape, x) = (input, try Tensor.full(input.prepending(2), 1, context: context))
    for (layer, want) in compared(chain.layers, shapes) {
      shape = try layer.outputShape(for: shape)
      x = try layer(x)
      #expect(shape == want)
      #expect(x.shape == want.prepending(2))
    }
    #expect(chain.layers.count == shapes.count)
  }

  @Test func namesFaults() {
    for (layer, fault) in [
      ("conv2d: {out: 6, kernel: 3, groups: 4}", "6 channels do not divide into 4 groups"),
      ("conv2d: {out: 6, kernel: 3, stride: 2, padding: same}", "padding same needs stride 1"),
      ("conv1d: {out: 6, kernel: 3, padding: [1, 2, 3]}", "expected a list of 2"),
      (
        "conv_transpose2d: {out: 6, kernel: 3, stride: 2, output_padding: 2}",
        "output_padding must be smaller than the stride or the dilation"
      ),
      ("upsample: {mode: nearest}", "give either size or scale_factor"),
      (
        "upsample: {size: 2, align_corners: true}", "only linear and bilinear have align_corners"
      ),
      ("max_pool1d: {kernel: 3, padding: 2}", "padding is more than half of the window"),
    ] {
      #expect {
        _ = try Configuration.load(
          yaml: "data: {train: x}\nmodel: {layers: [{\(layer)}]}", source: "job.yaml")
      } throws: { "\($0)".contains(fault) }
    }
  }

  /// What only the data can tell is an error of the layer, with its place.
  @Test func namesTheLayerThatDoesNotFit() throws {
    let word = { (text: String) in
      try #require(
        Configuration.load(yaml: "data: {train: x}\nmodel: {layers: [relu, {\(text)}]}").model
          .layers)
    }
    for (text, fault) in [
      (
        "conv2d: {out: 6, kernel: 3, groups: 3}",
        "1: conv2d: 4 input and 6 output channels do not divide into 3 groups"
      ),
      ("conv2d: {out: 6, kernel: 3}", "1: conv2d: kernel 3x3 is larger than the padded input 2x2"),
      (
        "conv1d: {out: 6, kernel: 3}",
        "1: conv1d: input has shape [2, 2, 4], expected [length, channels]"
      ),
      (
        "upsample: {size: 3, mode: linear}",
        "1: upsample: input has shape [2, 2, 4], mode is linear"
      ),
    ] {
      #expect {
        _ = try LayerConfiguration.chain(word(text), input: [2, 2, 4])
      } throws: { "\($0)" == fault }
    }
  }
}
