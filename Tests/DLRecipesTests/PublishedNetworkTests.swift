import DLLayers
import DLRecipes
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Parameters of published networks in YAML, as many as torchvision's have: `sum(p.numel() for p in
/// torchvision.models.NAME().parameters())` of version 0.28, GoogLeNet without its auxiliary
/// classifiers.
@Suite struct PublishedNetworkTests {
  private func count(_ configuration: Configuration, _ input: Shape) throws -> Int {
    let layers = try #require(configuration.model.layers)
    let network = try LayerConfiguration.chain(layers, input: input)
    return network.parameters().reduce(0) { $0 + $1.shape.count }
  }

  private func count(_ model: String, size: Int = 224) throws -> Int {
    let configuration = try Configuration.load(
      yaml: "data: {synthetic: {shape: [\(size), \(size), 3], classes: 1000}}\nmodel:\n" + model)
    return try count(configuration, [size, size, 3])
  }

  private let alexNet = """
      layers:
        - {conv2d: {out: 64, kernel: 11, stride: 4, padding: 2}}
        - relu
        - {max_pool2d: {kernel: 3, stride: 2}}
        - {conv2d: {out: 192, kernel: 5, padding: 2}}
        - relu
        - {max_pool2d: {kernel: 3, stride: 2}}
        - {conv2d: {out: 384, kernel: 3, padding: 1}}
        - relu
        - repeat: {times: 2, layers: [{conv2d: {out: 256, kernel: 3, padding: 1}}, relu]}
        - {max_pool2d: {kernel: 3, stride: 2}}
        - {adaptive_avg_pool2d: {output_size: 6}}
        - flatten
        - repeat: {times: 2, layers: [dropout, {linear: {out: 4096}}, relu]}
        - {linear: {out: 1000}}
    """

  private func vgg(_ counts: [Int]) -> String {
    let stages = zipped([64, 128, 256, 512, 512], counts).map {
      "{stage: {out: \($0), convolutions: \($1)}}"
    }
    return """
        blocks:
          stage:
            parameters: {out: null, convolutions: 1}
            layers:
              - repeat: {times: $convolutions, layers: [{conv2d: {out: $out, kernel: 3, padding: 1}}, relu]}
              - {max_pool2d: {kernel: 2}}
        layers: [\(stages.joined(separator: ", ")), flatten, {repeat: {times: 2, layers: [
          {linear: {out: 4096}}, relu, dropout]}}, {linear: {out: 1000}}]
      """
  }

  private let convolution = """
        conv:
          parameters: {out: null, kernel: 1, stride: 1}
          layers:
            - {conv2d: {out: $out, kernel: $kernel, stride: $stride, padding: ($kernel - 1) / 2, bias: false}}
            - batch_norm
            - relu

    """

  /// torchvision has 3x3 in place of 5x5 convolutions.
  private var googLeNet: String {
    "  blocks:\n" + convolution + """
          inception:
            parameters: {a: null, b1: null, b: null, c1: null, c: null, d: null}
            layers:
              - concat:
                  branches:
                    branch1: [{conv: {out: $a}}]
                    branch2: [{conv: {out: $b1}}, {conv: {out: $b, kernel: 3}}]
                    branch3: [{conv: {out: $c1}}, {conv: {out: $c, kernel: 3}}]
                    branch4: [{max_pool2d: {kernel: 3, stride: 1, padding: 1}}, {conv: {out: $d}}]
          halve: {layers: [{max_pool2d: {kernel: 3, stride: 2, ceil_mode: true}}]}
        layers:
          - {conv: {out: 64, kernel: 7, stride: 2}}
          - halve
          - {conv: {out: 64}}
          - {conv: {out: 192, kernel: 3}}
          - halve
          - {inception: {a: 64, b1: 96, b: 128, c1: 16, c: 32, d: 32}}
          - {inception: {a: 128, b1: 128, b: 192, c1: 32, c: 96, d: 64}}
          - halve
          - {inception: {a: 192, b1: 96, b: 208, c1: 16, c: 48, d: 64}}
          - {inception: {a: 160, b1: 112, b: 224, c1: 24, c: 64, d: 64}}
          - {inception: {a: 128, b1: 128, b: 256, c1: 24, c: 64, d: 64}}
          - {inception: {a: 112, b1: 144, b: 288, c1: 32, c: 64, d: 64}}
          - {inception: {a: 256, b1: 160, b: 320, c1: 32, c: 128, d: 128}}
          - {max_pool2d: {kernel: 2, ceil_mode: true}}
          - {inception: {a: 256, b1: 160, b: 320, c1: 32, c: 128, d: 128}}
          - {inception: {a: 384, b1: 192, b: 384, c1: 48, c: 128, d: 128}}
          - global_avg_pool2d
          - {dropout: {p: 0.2}}
          - {linear: {out: 1000}}
      """
  }

  /// The stages of a recipe at the published width, behind the published stem.
  private func resNet(_ name: String) throws -> Int {
    let recipe = try #require(Recipe.named(name))
    var text = recipe.yaml.replacing("out: 128", with: "out: 512").replacing(
      "out: 64", with: "out: 256"
    )
    .replacing("out: 32", with: "out: 128").replacing("out: 16", with: "out: 64")
    .replacing("{linear: {out: 10}}", with: "{linear: {out: 1000}}")
    .replacing(
      "- {conv2d: {out: 64, kernel: 3, padding: 1, bias: false}}",
      with: "- {conv2d: {out: 64, kernel: 7, stride: 2, padding: 3, bias: false}}")
    text = text.replacing(
      "data:\n", with: "data:\n  synthetic: {shape: [224, 224, 3], classes: 1000}\n")
    return try count(Configuration.load(yaml: text), [224, 224, 3])
  }

  private let denseNet121 = """
      blocks:
        dense:
          parameters: {layers: null}
          layers: [{dense_block: {layers: $layers, growth: 32}}]
        transition:
          parameters: {out: null}
          layers: [batch_norm, relu, {conv2d: {out: $out, kernel: 1, bias: false}}, {avg_pool2d: {kernel: 2}}]
      layers:
        - {conv2d: {out: 64, kernel: 7, stride: 2, padding: 3, bias: false}}
        - batch_norm
        - relu
        - {max_pool2d: {kernel: 3, stride: 2, padding: 1}}
        - {dense: {layers: 6}}
        - {transition: {out: 128}}
        - {dense: {layers: 12}}
        - {transition: {out: 256}}
        - {dense: {layers: 24}}
        - {transition: {out: 512}}
        - {dense: {layers: 16}}
        - batch_norm
        - relu
        - global_avg_pool2d
        - {linear: {out: 1000}}
    """

  // Sandler et al. 2018: a 1x1 convolution to six times the channels, one of each channel, and back.
  private let mobileNetV2 = """
      blocks:
        expand:
          parameters: {in: null, stride: 1, times: 6}
          layers:
            - {conv2d: {out: $times * $in, kernel: 1, bias: false}}
            - batch_norm
            - relu6
            - {conv2d: {out: $times * $in, kernel: 3, stride: $stride, padding: 1, groups: $times * $in, bias: false}}
            - batch_norm
            - relu6
        block:
          parameters: {in: null, out: null, stride: 1}
          layers: [{expand: {in: $in, stride: $stride}}, {conv2d: {out: $out, kernel: 1, bias: false}}, batch_norm]
        stage:
          parameters: {in: null, out: null, blocks: 1, stride: 1}
          layers:
            - {block: {in: $in, out: $out, stride: $stride}}
            - {repeat: {times: $blocks - 1, layers: [{sum: {branches: [[], [{block: {in: $out, out: $out}}]]}}]}}
      layers:
        - {conv2d: {out: 32, kernel: 3, stride: 2, padding: 1, bias: false}}
        - batch_norm
        - relu6
        - {conv2d: {out: 32, kernel: 3, padding: 1, groups: 32, bias: false}}
        - batch_norm
        - relu6
        - {conv2d: {out: 16, kernel: 1, bias: false}}
        - batch_norm
        - {stage: {in: 16, out: 24, blocks: 2, stride: 2}}
        - {stage: {in: 24, out: 32, blocks: 3, stride: 2}}
        - {stage: {in: 32, out: 64, blocks: 4, stride: 2}}
        - {stage: {in: 64, out: 96, blocks: 3}}
        - {stage: {in: 96, out: 160, blocks: 3, stride: 2}}
        - {stage: {in: 160, out: 320}}
        - {conv2d: {out: 1280, kernel: 1, bias: false}}
        - batch_norm
        - relu6
        - global_avg_pool2d
        - {dropout: {p: 0.2}}
        - {linear: {out: 1000}}
    """

  private let vitB16 = """
      layers:
        - {conv2d: {out: 768, kernel: 16, stride: 16}}
        - tokens
        - class_token
        - {positional: {kind: learned}}
        - repeat:
            times: 12
            layers:
              - {transformer_encoder_layer: {heads: 12, feed_forward: 3072, activation: gelu, norm_first: true}}
        - layer_norm
        - select
        - {linear: {out: 1000}}
    """

  @Test func torchvisionsCounts() throws {
    #expect(try count(alexNet) == 61_100_840)
    #expect(try count(vgg([1, 1, 2, 2, 2])) == 132_863_336)
    #expect(try count(vgg([2, 2, 3, 3, 3])) == 138_357_544)
    #expect(try count(googLeNet) == 6_624_904)
    #expect(try resNet("resnet18-cifar10") == 11_689_512)
    #expect(try resNet("resnet50-cifar10") == 25_557_032)
    #expect(try count(denseNet121) == 7_978_856)
    #expect(try count(mobileNetV2) == 3_504_872)
    #expect(try count(vitB16) == 86_567_656)
  }

  /// Recipes at the published width for CIFAR-10, by their notes.
  @Test func publishedWidths() throws {
    func count(_ name: String, _ overrides: [String] = []) throws -> Int {
      let recipe = try #require(Recipe.named(name))
      let configuration = try Configuration.load(
        yaml: recipe.yaml,
        overrides: ["data.synthetic={shape: [32, 32, 3], classes: 10}"] + overrides)
      return try self.count(configuration, [32, 32, 3])
    }
    // Zhang et al. 2017, table 1.
    #expect(try count("alexnet-cifar10") == 1_387_786)
    // torchvision's features with batch norm, without the biases of 4224 channels, and 513 · 10.
    #expect(
      try count("vgg16-cifar10", ["model.blocks.stage.parameters.width=4"])
        == 14_714_688 + 2 * 4224 - 4224 + 5130)
    // Howard et al. 2017, table 1, has 4.2 million: 4,231,976, of which 1025 each for 1000 classes.
    let wide = ["conv", "depthwise"].map { "model.blocks.\($0).parameters.width=4" }
    #expect(try count("mobilenet-cifar10", wide) == 4_231_976 - 1_025_000 + 10_250)
    // Huang et al. 2017, table 2: 0.8 million.
    let deep = [
      "model.blocks.dense.parameters.layers=16", "model.layers.2.transition.out=108",
      "model.layers.4.transition.out=150",
    ]
    #expect(try count("densenet-cifar10", deep) == 769_162)
    #expect(try count("densenet-cifar10") == 176_122)
  }
}
