import DLLayers
import DLTensor

/// Feature maps, a pooling of them, and a classifier: the form of torchvision's `VGG`, `AlexNet`,
/// `MobileNetV2` and `DenseNet`, whose names the parameters have.
package final class FeatureClassifier: Module, Layer {
  let features: any Layer
  let avgpool: any Layer
  let classifier: any Layer

  /// Makes a network of three parts.
  ///
  /// - Parameters:
  ///   - features: makes feature maps of images.
  ///   - avgpool: makes a row of numbers of feature maps.
  ///   - classifier: makes logits of a row of numbers.
  init(features: any Layer, avgpool: any Layer, classifier: any Layer) {
    self.features = features
    self.avgpool = avgpool
    self.classifier = classifier
  }

  /// Applies the network: `[batch, height, width, channels]` to `[batch, classes]`.
  ///
  /// - Throws: ``TensorError`` where a part does not take what comes before it, or there is no
  ///   memory.
  package func forward(_ x: Tensor) throws -> Tensor { try classifier(avgpool(features(x))) }

  /// The output's shape without its batch axis.
  ///
  /// - Throws: ``TensorError`` for the first part that does not take what comes before it.
  package func outputShape(for input: Shape) throws -> Shape {
    try [features, avgpool, classifier].reduce(input) { shape, layer in
      try layer.located { try layer.outputShape(for: shape) }
    }
  }
}

/// Layers one after the other, each with a name of its own.
///
/// Counterpart: `torch.nn.Sequential` of an `OrderedDict`.
final class NamedSequential: Module, Layer {
  private let names: [String]
  private let chain: Sequential

  init(_ parts: KeyValuePairs<String, any Layer>) {
    names = parts.map(\.key)
    chain = Sequential(parts.map(\.value))
  }

  init(_ parts: [(name: String, layer: any Layer)]) {
    names = parts.map(\.name)
    chain = Sequential(parts.map(\.layer))
  }

  override var children: [(name: String, value: Any)] {
    zip(names, chain.layers).map { ($0, $1) }
  }

  func forward(_ x: Tensor) throws -> Tensor { try chain.forward(x) }

  func outputShape(for input: Shape) throws -> Shape { try chain.outputShape(for: input) }
}

extension Conv2d {
  /// A convolution without bias in front of a batch norm, started for ReLU by its fan out; its padding
  /// keeps the size at stride 1.
  static func unbiased(
    _ input: Int, _ output: Int, kernel: Int, stride: Int = 1, groups: Int = 1
  ) -> Conv2d {
    let layer = Conv2d(
      inputChannels: input, outputChannels: output, kernelSize: Size2d(kernel, kernel),
      stride: Size2d(stride, stride), padding: Size2d(kernel / 2, kernel / 2), groups: groups,
      bias: false)
    layer.weight.initializer = .heNormal(.fanOut)
    return layer
  }
}

extension FeatureClassifier: ONNXLayer {
  /// The three parts one after the other.
  ///
  /// - Throws: ``LayerExportError`` for a part without such a form, and ``TensorError`` for one
  ///   that does not take what comes before it, or where there is no memory.
  package func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try [features, avgpool, classifier].reduce(x) { try graph.add($1, to: $0) }
  }
}

extension NamedSequential: ONNXLayer {
  func onnx(_ x: ONNXValue, in graph: ONNXGraph) throws -> ONNXValue {
    try chain.onnx(x, in: graph)
  }
}
