import DLConfiguration
import DLTensor

/// The mean over windows that share a sequence out evenly, whatever its size.
///
/// Of rows that are filled up the valid positions are shared out. Shapes: `[batch, length, channels]` to
/// `[batch, size, channels]`. Counterpart:
/// `torch.nn.AdaptiveAvgPool1d`.
public final class AdaptiveAvgPool1d: BuiltInLayer {
  /// The options of ``AdaptiveAvgPool1d`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "adaptive_avg_pool1d" }
    /// Output size.
    package var outputSize = 1
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [.init("output_size", \.outputSize, .layerSize, required: true, "output size")]
    }
    package func layer(for input: Shape) -> any Layer { AdaptiveAvgPool1d(self) }
  }

  package let options: Options

  /// Makes a pooling layer by its options.
  package init(_ options: Options) { self.options = options }

  /// Makes a pooling layer with the given output size.
  public convenience init(outputSize: Int) { self.init(.with { $0.outputSize = outputSize }) }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.rowByRow { try $0.adaptiveAvgPool1d(options.outputSize) }
  }

  /// All positions of the output are valid.
  override func lengths(of output: Tensor, from input: Tensor) -> Tensor? { nil }

  /// Taken to be all positions: how many they are depends on the input's size.
  override var ownReceptiveField: ReceptiveField { .everything }

  /// PyTorch's counterpart takes `[batch, channels, length]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsFirst }

  override func outputShape(from input: Shape) throws -> Shape {
    try adapted("adaptive_avg_pool1d", input, options.outputSize)
  }
}

/// The largest value of windows that share a sequence out evenly, whatever its size.
///
/// Of rows that are filled up the valid positions are shared out. Shapes: `[batch, length, channels]` to
/// `[batch, size, channels]`. Counterpart:
/// `torch.nn.AdaptiveMaxPool1d`.
public final class AdaptiveMaxPool1d: BuiltInLayer {
  /// The options of ``AdaptiveMaxPool1d`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "adaptive_max_pool1d" }
    /// Output size.
    package var outputSize = 1
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [.init("output_size", \.outputSize, .layerSize, required: true, "output size")]
    }
    package func layer(for input: Shape) -> any Layer { AdaptiveMaxPool1d(self) }
  }

  package let options: Options

  /// Makes a pooling layer by its options.
  package init(_ options: Options) { self.options = options }

  /// Makes a pooling layer with the given output size.
  public convenience init(outputSize: Int) { self.init(.with { $0.outputSize = outputSize }) }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.rowByRow { try $0.adaptiveMaxPool1d(options.outputSize) }
  }

  /// All positions of the output are valid.
  override func lengths(of output: Tensor, from input: Tensor) -> Tensor? { nil }

  /// Taken to be all positions: how many they are depends on the input's size.
  override var ownReceptiveField: ReceptiveField { .everything }

  /// PyTorch's counterpart takes `[batch, channels, length]`.
  override var ownSequenceLayout: SequenceLayout? { .channelsFirst }

  override func outputShape(from input: Shape) throws -> Shape {
    try adapted("adaptive_max_pool1d", input, options.outputSize)
  }
}

private func adapted(_ op: String, _ input: Shape, _ size: Int) throws -> Shape {
  try requireElements(op, input)
  guard size > 0 else {
    throw TensorError(op: op, "output size is \(size), expected at least 1")
  }
  return [size, input[1]]
}

/// Throws unless the shape is that of a sequence of one element or more.
func requireElements(_ op: String, _ input: Shape) throws {
  guard try input.sequenceLength(op) > 0 else {
    throw TensorError(op: op, "input has shape \(input), expected one element or more")
  }
}
