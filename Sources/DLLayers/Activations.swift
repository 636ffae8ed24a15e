import DLTensor

/// `max(x, 0)`.
///
/// Counterpart: `torch.nn.ReLU`.
public final class ReLU: Module, Layer {
  /// Makes the layer.
  public override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.relu() }
}

/// `x` where positive, `negativeSlope · x` elsewhere.
///
/// Counterpart: `torch.nn.LeakyReLU`.
public final class LeakyReLU: Module, Layer {
  /// The slope below zero.
  public let negativeSlope: Double

  /// Makes the layer.
  public init(negativeSlope: Double = 0.01) { self.negativeSlope = negativeSlope }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.leakyReLU(negativeSlope) }
}

/// `1 / (1 + exp(-x))`.
///
/// Counterpart: `torch.nn.Sigmoid`.
public final class Sigmoid: Module, Layer {
  /// Makes the layer.
  public override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.sigmoid() }
}

/// The hyperbolic tangent.
///
/// Counterpart: `torch.nn.Tanh`.
public final class Tanh: Module, Layer {
  /// Makes the layer.
  public override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.tanh() }
}

/// `x · Φ(x)` with the normal distribution's Φ, exact or by tanh.
///
/// Hendrycks and Gimpel 2016. Counterpart: `torch.nn.GELU`.
public final class GELU: Module, Layer {
  /// Exact, or the tanh approximation.
  public let approximation: GELUApproximation

  /// Makes the layer.
  public init(approximation: GELUApproximation = .none) { self.approximation = approximation }

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.gelu(approximation) }
}

/// `x · sigmoid(x)`.
///
/// Counterpart: `torch.nn.SiLU`.
public final class SiLU: Module, Layer {
  /// Makes the layer.
  public override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.silu() }
}

/// `exp(x) / Σ exp(x)` over the last axis.
///
/// Counterpart: `torch.nn.Softmax(dim=-1)`.
public final class Softmax: Module, Layer {
  /// Makes the layer.
  public override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.softmax() }
}

/// `x - log Σ exp(x)` over the last axis.
///
/// Counterpart: `torch.nn.LogSoftmax(dim=-1)`.
public final class LogSoftmax: Module, Layer {
  /// Makes the layer.
  public override init() {}

  /// Applies the layer.
  public func forward(_ x: Tensor) throws -> Tensor { try x.logSoftmax() }
}
