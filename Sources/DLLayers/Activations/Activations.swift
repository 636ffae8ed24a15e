import DLConfiguration
import DLTensor

/// `max(x, 0)`.
///
/// Counterpart: `torch.nn.ReLU`.
public final class ReLU: PlainLayer {
  override class var ownWord: String { "relu" }

  override func forward(from x: Tensor) throws -> Tensor { try x.relu() }
}

/// `x` where positive, `negativeSlope · x` elsewhere.
///
/// Counterpart: `torch.nn.LeakyReLU`.
public final class LeakyReLU: BuiltInLayer {
  /// The options of ``LeakyReLU`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "leaky_relu" }
    /// Slope below zero.
    package var negativeSlope = 0.01
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [.init("negative_slope", \.negativeSlope, "slope below zero")]
    }
    package func layer(for input: Shape) -> any Layer { LeakyReLU(self) }
  }

  package let options: Options

  package init(_ options: Options) { self.options = options }

  /// Makes the layer with the given slope below zero.
  public convenience init(negativeSlope: Double = 0.01) {
    self.init(.with { $0.negativeSlope = negativeSlope })
  }

  override func forward(from x: Tensor) throws -> Tensor { try x.leakyReLU(options.negativeSlope) }
}

/// `1 / (1 + exp(-x))`.
///
/// Counterpart: `torch.nn.Sigmoid`.
public final class Sigmoid: PlainLayer {
  override class var ownWord: String { "sigmoid" }

  override func forward(from x: Tensor) throws -> Tensor { try x.sigmoid() }
}

/// The hyperbolic tangent.
///
/// Counterpart: `torch.nn.Tanh`.
public final class Tanh: PlainLayer {
  override class var ownWord: String { "tanh" }

  override func forward(from x: Tensor) throws -> Tensor { try x.tanh() }
}

/// `x · Φ(x)` with the normal distribution's Φ, exact or by tanh.
///
/// Hendrycks and Gimpel 2016. Counterpart: `torch.nn.GELU`.
public final class GELU: BuiltInLayer {
  /// The options of ``GELU`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "gelu" }
    /// The approximation of Φ: none for erf, or tanh.
    package var approximate = GELUApproximation.none
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [.init("approximate", \.approximate, "none for erf, or tanh")]
    }
    package func layer(for input: Shape) -> any Layer { GELU(self) }
  }

  package let options: Options

  package init(_ options: Options) { self.options = options }

  /// Makes the layer, exact or with the tanh approximation.
  public convenience init(approximation: GELUApproximation = .none) {
    self.init(.with { $0.approximate = approximation })
  }

  override func forward(from x: Tensor) throws -> Tensor { try x.gelu(options.approximate) }
}

/// `x · sigmoid(x)`.
///
/// Counterpart: `torch.nn.SiLU`.
public final class SiLU: PlainLayer {
  override class var ownWord: String { "silu" }

  override func forward(from x: Tensor) throws -> Tensor { try x.silu() }
}

/// `exp(x) / Σ exp(x)` over the last axis.
///
/// Counterpart: `torch.nn.Softmax(dim=-1)`.
public final class Softmax: PlainLayer {
  override class var ownWord: String { "softmax" }

  override func forward(from x: Tensor) throws -> Tensor { try x.softmax() }
}

/// `x - log Σ exp(x)` over the last axis.
///
/// Counterpart: `torch.nn.LogSoftmax(dim=-1)`.
public final class LogSoftmax: PlainLayer {
  override class var ownWord: String { "log_softmax" }

  override func forward(from x: Tensor) throws -> Tensor { try x.logSoftmax() }
}

extension GELUApproximation: ConfigurationWord {}
