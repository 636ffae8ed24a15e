import DLTensor

/// All axes but the batch in one, images in channel, height, width order as PyTorch's are.
///
/// Shapes: `[batch, height, width, channels]` to `[batch, channels · height · width]`. Counterpart:
/// `torch.nn.Flatten`.
public final class Flatten: Module, Layer {
  /// Makes the layer.
  public required override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.flatten() }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape { [input.count] }
}

extension Flatten: PlainLayer {
  /// The word in `model.layers`.
  public static var word: String { "flatten" }
}
