import DLTensor

/// Layer normalisation over the last axis.
///
/// `y = (x - mean) / √(variance + eps) · weight + bias`, each row by its own mean and biased
/// variance. Shapes: `[..., features]`, unchanged. Ba et al. 2016. Counterpart:
/// `torch.nn.LayerNorm`.
public final class LayerNorm: Module, Layer {
  /// The scale, `[features]`, from 1.
  public let weight: Parameter
  /// The shift, `[features]`, from 0.
  public let bias: Parameter

  private let eps: Double

  /// Makes a layer for the given number of features in the last axis.
  public init(_ features: Int, eps: Double = 1e-5) {
    weight = Parameter([features], initializer: .constant(1))
    bias = Parameter([features], initializer: .constant(0))
    self.eps = eps
  }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor {
    try x.layerNorm(weight: weight.value, bias: bias.value, eps: eps)
  }

  /// The output's shape without its batch axis.
  public func outputShape(for input: Shape) throws -> Shape {
    guard input.rank >= 1, input.last == weight.shape[0] else {
      throw TensorError(
        op: "layer_norm",
        "input has shape \(input), expected \(weight.shape[0]) features in the last axis")
    }
    return input
  }
}
