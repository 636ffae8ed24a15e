import DLConfiguration
import DLLayers
import DLTensor

/// Stages of 3x3 convolutions with a pooling behind each, and three linear layers.
///
/// Simonyan and Zisserman 2015, table 1; 138,357,544 parameters at depth 16 with 1000 classes.
/// Parameters are named as in torchvision's `vgg11`, `vgg13`, `vgg16`, `vgg19` and `vgg11_bn` and so
/// on. Images are of 32x32 or more; feature maps of another size than 7x7 are averaged or repeated to
/// it.
package struct VGGOptions: ModelSpec {
  package static var name: String { "vgg" }
  /// Layers with weights: 11, 13, 16 or 19.
  package var depth = 16
  /// True if a batch norm follows each convolution.
  package var batchNorm = false
  /// The width of the two linear layers in front of the logits.
  package var hidden = 4096
  /// The probability of dropout behind them.
  package var dropout = 0.5
  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("depth", \.depth, .within(11...19), "layers with weights: 11, 13, 16 or 19"),
      .init("batch_norm", \.batchNorm, "whether a batch norm follows each convolution"),
      .init("hidden", \.hidden, .layerSize, "width of the two linear layers before the logits"),
      .init("dropout", \.dropout, .within(0..<1), "probability of dropout behind them"),
    ]
  }

  private static let convolutions = [
    11: [1, 1, 2, 2, 2], 13: [2, 2, 2, 2, 2], 16: [2, 2, 3, 3, 3], 19: [2, 2, 4, 4, 4],
  ]

  package func problems() -> [ConfigurationProblem] {
    Self.convolutions[depth] == nil
      ? [.init("depth", message: "expected 11, 13, 16 or 19")] : []
  }

  /// Makes the network for images.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images or have no classes, and for another
  ///   depth than 11, 13, 16 and 19.
  package func network(for input: Shape, classes: Int?) throws -> Module {
    let classes = try ModelRegistry.requireImages(Self.name, input, classes)
    guard let convolutions = Self.convolutions[depth] else {
      throw TensorError(op: Self.name, "depth is \(depth), expected 11, 13, 16 or 19")
    }
    var features: [any Layer] = []
    var channels = input[2]
    for (count, width) in zip(convolutions, [64, 128, 256, 512, 512]) {
      for _ in 0..<count {
        let convolution = Conv2d(
          inputChannels: channels, outputChannels: width, kernelSize: 3, padding: 1)
        convolution.weight.initializer = .heNormal(.fanOut)
        convolution.bias?.initializer = .zeros
        features.append(convolution)
        if batchNorm { features.append(BatchNorm(features: width)) }
        features.append(ReLU())
        channels = width
      }
      features.append(MaxPool2d(kernelSize: 2))
    }
    func linear(_ inputs: Int, _ outputs: Int) -> Linear {
      let layer = Linear(inputFeatures: inputs, outputFeatures: outputs)
      layer.weight.initializer = .normal(standardDeviation: 0.01)
      layer.bias?.initializer = .zeros
      return layer
    }
    return FeatureClassifier(
      features: Sequential(features),
      avgpool: Sequential(AdaptiveAvgPool2d(outputSize: 7), Flatten()),
      classifier: Sequential(
        linear(channels * 49, hidden), ReLU(), Dropout(p: dropout),
        linear(hidden, hidden), ReLU(), Dropout(p: dropout),
        linear(hidden, classes)))
  }
}
