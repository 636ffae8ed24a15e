import DLConfiguration
import DLLayers
import DLTensor

/// Dense blocks, in which each layer sees what all before it gave, with a halving of channels and size
/// between them.
///
/// Huang et al. 2017, table 1; 7,978,856 parameters at depth 121 with 1000 classes. Parameters are
/// named as in torchvision's `densenet121`, `densenet161`, `densenet169` and `densenet201`. Images are
/// of 29x29 or more.
package struct DenseNetOptions: ModelSpec {
  package static var name: String { "densenet" }
  /// Layers with weights: 121, 161, 169 or 201.
  package var depth = 121
  /// The probability of dropout behind each layer of a block.
  package var dropout = 0.0
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("depth", \.depth, .within(121...201), "layers with weights: 121, 161, 169 or 201"),
      .init(
        "dropout", \.dropout, .within(0..<1), "probability of dropout behind each layer of a block"),
    ]
  }

  /// The stem's channels, those that each layer adds, and layers by block.
  private static let sizes = [
    121: (64, 32, [6, 12, 24, 16]), 161: (96, 48, [6, 12, 36, 24]),
    169: (64, 32, [6, 12, 32, 32]), 201: (64, 32, [6, 12, 48, 32]),
  ]

  package func problems() -> [ConfigurationProblem] {
    Self.sizes[depth] == nil ? [.init("depth", message: "expected 121, 161, 169 or 201")] : []
  }

  /// Makes the network for images.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images or have no classes, and for another
  ///   depth than 121, 161, 169 and 201.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireImages(Self.name, input, classes)
    guard let (stem, growth, blocks) = Self.sizes[depth] else {
      throw TensorError(op: Self.name, "depth is \(depth), expected 121, 161, 169 or 201")
    }
    var channels = stem
    var features: [(name: String, layer: any Layer)] = [
      ("conv0", Self.started(.unbiased(input[2], stem, kernel: 7, stride: 2))),
      ("norm0", BatchNorm(features: stem)), ("relu0", ReLU()),
      ("pool0", MaxPool2d(kernelSize: 3, stride: 2, padding: 1)),
    ]
    for (index, layers) in blocks.enumerated() {
      let block = DenseBlock(
        channels: channels, layers: layers, growth: growth, dropout: dropout)
      for layer in block.layers {
        _ = Self.started(layer.conv1)
        _ = layer.conv2.map(Self.started)
      }
      features.append(("denseblock\(index + 1)", block))
      channels += layers * growth
      guard index < blocks.count - 1 else { break }
      features.append(("transition\(index + 1)", Self.transition(channels)))
      channels /= 2
    }
    features += [("norm5", BatchNorm(features: channels)), ("relu5", ReLU())]
    let classifier = Linear(inputFeatures: channels, outputFeatures: classes)
    classifier.bias?.initializer = .zeros
    return FeatureClassifier(
      features: NamedSequential(features), avgpool: GlobalAvgPool2d(), classifier: classifier)
  }

  /// Half of the channels, at half the size.
  private static func transition(_ channels: Int) -> any Layer {
    NamedSequential([
      "norm": BatchNorm(features: channels), "relu": ReLU(),
      "conv": started(.unbiased(channels, channels / 2, kernel: 1)),
      "pool": AvgPool2d(kernelSize: 2),
    ])
  }

  /// A convolution that starts by its fan in, as torchvision's start.
  private static func started(_ convolution: Conv2d) -> Conv2d {
    convolution.weight.initializer = .heNormal()
    return convolution
  }
}
