import DLConfiguration
import DLTensor

/// The mean over windows that share an image out evenly, whatever its size.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
/// `torch.nn.AdaptiveAvgPool2d`.
public final class AdaptiveAvgPool2d: BuiltInLayer {
  /// The options of ``AdaptiveAvgPool2d`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "adaptive_avg_pool2d" }
    /// Output size, one integer or [height, width].
    package var outputSize = Size2d(1)
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "output_size", \.outputSize, .layerSize, required: true,
          "output size, one integer or [height, width]")
      ]
    }
    package func layer(for input: Shape) -> any Layer { AdaptiveAvgPool2d(self) }
  }

  package let options: Options

  /// Makes a pooling layer by its options.
  package init(_ options: Options) { self.options = options }

  /// Makes a pooling layer with the given output size.
  public convenience init(outputSize: Size2d) { self.init(.with { $0.outputSize = outputSize }) }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.adaptiveAvgPool2d(options.outputSize)
  }

  /// Taken to be all positions: how many they are depends on the input's size.
  override var ownReceptiveField: ReceptiveField { .everything }

  override func outputShape(from input: Shape) throws -> Shape {
    try adapted("adaptive_avg_pool2d", input, options.outputSize)
  }
}

/// The largest value of windows that share an image out evenly, whatever its size.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
/// `torch.nn.AdaptiveMaxPool2d`.
public final class AdaptiveMaxPool2d: BuiltInLayer {
  /// The options of ``AdaptiveMaxPool2d`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "adaptive_max_pool2d" }
    /// Output size, one integer or [height, width].
    package var outputSize = Size2d(1)
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init(
          "output_size", \.outputSize, .layerSize, required: true,
          "output size, one integer or [height, width]")
      ]
    }
    package func layer(for input: Shape) -> any Layer { AdaptiveMaxPool2d(self) }
  }

  package let options: Options

  /// Makes a pooling layer by its options.
  package init(_ options: Options) { self.options = options }

  /// Makes a pooling layer with the given output size.
  public convenience init(outputSize: Size2d) { self.init(.with { $0.outputSize = outputSize }) }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.adaptiveMaxPool2d(options.outputSize)
  }

  /// Taken to be all positions: how many they are depends on the input's size.
  override var ownReceptiveField: ReceptiveField { .everything }

  override func outputShape(from input: Shape) throws -> Shape {
    try adapted("adaptive_max_pool2d", input, options.outputSize)
  }
}

private func adapted(_ op: String, _ input: Shape, _ size: Size2d) throws -> Shape {
  try requirePixels(op, input)
  guard size.height > 0, size.width > 0 else {
    throw TensorError(op: op, "output size is \(size), expected at least 1")
  }
  return [size.height, size.width, input[2]]
}

/// Throws unless the shape is that of an image of one pixel or more.
func requirePixels(_ op: String, _ input: Shape) throws {
  guard input.rank == 3, input[0] > 0, input[1] > 0 else {
    throw TensorError(
      op: op,
      "input has shape \(input), expected [height, width, channels] of one pixel or more")
  }
}
