import DLConfiguration
import DLTensor

/// `x` where positive, `alpha · (exp(x) - 1)` elsewhere.
///
/// Clevert et al. 2016. Counterpart: `torch.nn.ELU`.
public final class ELU: BuiltInLayer {
  /// The options of ``ELU`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "elu" }
    /// Scale below zero.
    package var alpha = 1.0
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("alpha", \.alpha, "scale below zero")
      ]
    }
    package func layer(for input: Shape) -> any Layer { ELU(self) }
  }

  package let options: Options

  package init(_ options: Options) { self.options = options }

  /// Makes the layer with the given scale below zero.
  public convenience init(alpha: Double = 1) { self.init(.with { $0.alpha = alpha }) }

  override func forward(from x: Tensor) throws -> Tensor { try x.elu(options.alpha) }
}

/// `scale · (x where positive, alpha · (exp(x) - 1) elsewhere)` with scale 1.0507 and alpha 1.6733.
///
/// Klambauer et al. 2017. Counterpart: `torch.nn.SELU`.
public final class SELU: PlainLayer {
  override class var ownWord: String { "selu" }

  override func forward(from x: Tensor) throws -> Tensor { try x.selu() }
}

/// `log(1 + exp(beta · x)) / beta`, or `x` itself where `beta · x > threshold`.
///
/// Counterpart: `torch.nn.Softplus`.
public final class Softplus: BuiltInLayer {
  /// The options of ``Softplus`` in `model.layers`.
  package struct Options: LayerSpec {
    package static var word: String { "softplus" }
    /// Sharpness of the bend at zero.
    package var beta = 1.0
    /// Beta * x above which the function is linear.
    package var threshold = 20.0
    package init() {}
    package static var fields: [ConfigurationField<Self>] {
      [
        .init("beta", \.beta, .above(0), "how sharp the bend at zero is"),
        .init("threshold", \.threshold, "beta * x above which the function is linear"),
      ]
    }
    package func layer(for input: Shape) -> any Layer { Softplus(self) }
  }

  package let options: Options

  package init(_ options: Options) { self.options = options }

  /// Makes the layer, which is linear where `beta · x > threshold`.
  public convenience init(beta: Double = 1, threshold: Double = 20) {
    self.init(
      .with {
        $0.beta = beta
        $0.threshold = threshold
      })
  }

  override func forward(from x: Tensor) throws -> Tensor {
    try x.softplus(beta: options.beta, threshold: options.threshold)
  }
}
