import DLConfiguration
import DLTensor

/// Layers of which each sees what the block's input and all layers before it gave.
///
/// `x[i] = H(concat(x[0], ..., x[i - 1]))`, the output being `concat(x[0], ..., x[n])`. Shapes:
/// `[batch, height, width, channels]` to `[batch, height, width, channels + layers · growth]`. Huang
/// et al. 2017, equation 2. Counterpart: `_DenseBlock` of torchvision's `densenet`, whose names the
/// parameters have: `denselayer1.norm1.weight`.
public final class DenseBlock: BuiltInLayer {
  /// The options of ``DenseBlock`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "dense_block" }
    /// The number of layers.
    package var layers = 0
    /// Channels that each layer adds.
    package var growth = 0
    /// Channels between the two convolutions of a layer, in units of `growth`; null for one
    /// convolution.
    package var bottleneck: Int? = 4
    /// The probability to zero an element behind each layer.
    package var dropout = 0.0
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("layers", \.layers, .within(1...512), required: true, "how many layers"),
        .init("growth", \.growth, .within(1...65536), required: true, "channels each layer adds"),
        .init(
          "bottleneck", \.bottleneck, .within(1...64),
          "channels of a 1x1 convolution in front, in units of growth; null for none"),
        .init(
          "dropout", \.dropout, .within(0..<1), "probability to zero an element behind each layer"),
      ]
    }
    package func layer(for input: Shape) throws -> any Layer {
      let channels = try channels(Self.word, input)
      guard channels < 1 << 40 else {
        throw TensorError(op: Self.word, "an input of \(channels) channels is too large")
      }
      return DenseBlock(
        channels: channels, layers: layers, growth: growth, bottleneck: bottleneck,
        dropout: dropout)
    }
  }

  /// The layers in order.
  package let layers: [DenseLayer]

  /// Makes a block over `channels`; `bottleneck` and `dropout` are those of `DenseLayer`.
  public init(
    channels: Int, layers: Int, growth: Int, bottleneck: Int? = 4, dropout: Double = 0
  ) {
    self.layers = (0..<layers).map { index in
      DenseLayer(
        channels: channels + index * growth, growth: growth, bottleneck: bottleneck,
        dropout: dropout)
    }
  }

  override var ownChildren: [(name: String, value: Any)] {
    layers.enumerated().map { ("denselayer\($0 + 1)", $1) }
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try layers.reduce(x) { seen, layer in try Tensor.concat([seen, layer(seen)], axis: -1) }
  }

  override func outputShape(from input: Shape) throws -> Shape {
    var shape = input
    for layer in layers {
      let new = try layer.located { try layer.outputShape(for: shape) }
      shape[-1] = shape.last + new.last
    }
    return shape
  }
}

extension DenseBlock: BranchingLayer {}

/// One layer of a ``DenseBlock``: batch norm, ReLU and a 3x3 convolution, by default behind batch
/// norm, ReLU and a 1x1 convolution to fewer channels.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, height, width, growth]`. Huang et al. 2017,
/// "Bottleneck layers". Counterpart: torchvision's `_DenseLayer`.
package final class DenseLayer: Module, Layer {
  /// In front of the first convolution.
  package let norm1: BatchNorm
  /// 1x1 to the bottleneck, or the 3x3 one where there is none.
  package let conv1: Conv2d
  /// In front of the second convolution; nil without a bottleneck.
  package let norm2: BatchNorm?
  /// 3x3; nil without a bottleneck.
  package let conv2: Conv2d?
  /// Behind the last convolution; nil for none.
  package let dropout: Dropout?

  /// Makes a layer.
  ///
  /// - Parameters:
  ///   - bottleneck: channels between the convolutions, in units of `growth`; nil for one
  ///     convolution.
  ///   - dropout: the probability to zero an element of the output.
  package init(channels: Int, growth: Int, bottleneck: Int? = 4, dropout: Double = 0) {
    func conv(_ input: Int, _ output: Int, _ kernel: Size2d, _ padding: Size2d) -> Conv2d {
      Conv2d(
        inputChannels: input, outputChannels: output, kernelSize: kernel, padding: padding,
        bias: false)
    }
    norm1 = BatchNorm(features: channels)
    if let bottleneck {
      conv1 = conv(channels, bottleneck * growth, 1, 0)
      norm2 = BatchNorm(features: bottleneck * growth)
      conv2 = conv(bottleneck * growth, growth, 3, 1)
    } else {
      conv1 = conv(channels, growth, 3, 1)
      norm2 = nil
      conv2 = nil
    }
    self.dropout = dropout > 0 ? Dropout(p: dropout) : nil
  }

  /// Applies the layer.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images of its channels, or where there is no
  ///   memory.
  package func forward(_ x: Tensor) throws -> Tensor {
    var y = try conv1(norm1(x, relu: true))
    if let norm2, let conv2 { y = try conv2(norm2(y, relu: true)) }
    return try dropout?(y) ?? y
  }

  /// The output's shape without its batch axis.
  ///
  /// - Throws: ``TensorError`` for inputs that are no images of its channels.
  package func outputShape(for input: Shape) throws -> Shape {
    let shape = try conv1.located {
      try conv1.outputShape(for: norm1.located { try norm1.outputShape(for: input) })
    }
    guard let conv2 else { return shape }
    return try conv2.located { try conv2.outputShape(for: shape) }
  }
}
