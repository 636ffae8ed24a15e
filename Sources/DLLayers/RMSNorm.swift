import DLTensor

/// Root mean square normalisation over the last axis, or the last few together.
///
/// `y = x / √(mean(x²) + eps) · weight`. Shapes: `[..., features]`, unchanged. Zhang and Sennrich
/// 2019. Counterpart: `torch.nn.RMSNorm`.
public final class RMSNorm: Module, Layer {
  /// The scale, in the shape of the normalised axes, from 1.
  public let weight: Parameter?

  private let normalizedShape: Shape
  private let eps: Double?

  /// Makes a layer that normalises the last axes together, which have the given extents.
  ///
  /// - Parameter eps: the distance from 1 to the next number of the precision unless given.
  public init(_ normalizedShape: Shape, eps: Double? = nil, affine: Bool = true) {
    self.normalizedShape = normalizedShape
    weight = affine ? Parameter(normalizedShape, initializer: .constant(1)) : nil
    self.eps = eps
  }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor {
    try x.rmsNorm(weight: weight?.value, eps: eps, axes: normalizedShape.rank)
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    try requireTrailing("rms_norm", input, normalizedShape)
    return input
  }
}
