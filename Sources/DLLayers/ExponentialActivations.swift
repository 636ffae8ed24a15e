import DLTensor

/// `x` where positive, `alpha · (exp(x) - 1)` elsewhere.
///
/// Clevert et al. 2016. Counterpart: `torch.nn.ELU`.
public final class ELU: Module, Layer {
  /// The scale below zero.
  public let alpha: Double

  /// Makes the layer.
  public init(alpha: Double = 1) { self.alpha = alpha }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.elu(alpha) }
}

/// `scale · (x where positive, alpha · (exp(x) - 1) elsewhere)` with scale 1.0507 and alpha 1.6733.
///
/// Klambauer et al. 2017. Counterpart: `torch.nn.SELU`.
public final class SELU: Module, Layer {
  /// Makes the layer.
  public override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.selu() }
}

/// `log(1 + exp(beta · x)) / beta`, or `x` itself where `beta · x > threshold`.
///
/// Counterpart: `torch.nn.Softplus`.
public final class Softplus: Module, Layer {
  /// How sharp the bend at zero is.
  public let beta: Double
  /// Where the function is taken as linear.
  public let threshold: Double

  /// Makes the layer.
  public init(beta: Double = 1, threshold: Double = 20) {
    self.beta = beta
    self.threshold = threshold
  }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor {
    try x.softplus(beta: beta, threshold: threshold)
  }
}
