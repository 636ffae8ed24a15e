import DLTensor

/// The largest of every `pieces` neighbours along the last axis.
///
/// Behind a linear layer or a convolution with `pieces` times the outputs it is a maxout unit.
/// Shapes: `[..., channels · pieces]` to `[..., channels]`. Goodfellow et al. 2013.
public final class Maxout: Module, Layer {
  /// How many values compete.
  public let pieces: Int

  /// Makes the layer.
  public init(pieces: Int) { self.pieces = pieces }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.maxout(pieces: pieces) }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try Tensor.maxoutShape(input, pieces: pieces)
  }
}
