import DLConfiguration
import DLTensor

/// `-Σ alpha_t · (1 - p_t)^gamma · log p_t` over elements, p_t the probability that sigmoid(logit)
/// gives the target.
///
/// Shapes: equal; targets in 0...1. Denominator: elements. Lin et al. 2017, equation 5.
public struct Focal: LogitLoss {
  /// The name in `loss`.
  public static var word: String { "focal" }
  /// The weight of targets of 1, those of 0 getting 1 - alpha; nil for none.
  package var alpha: Double? = 0.25
  /// The focusing exponent: the larger, the less an element counts that is already right.
  package var gamma = 2.0

  /// Makes the loss as in the paper.
  public init() {}

  /// Makes the loss.
  public init(alpha: Double? = 0.25, gamma: Double = 2) {
    self.alpha = alpha
    self.gamma = gamma
  }

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("alpha", \.alpha, .within(0...1), "weight of targets of 1; null for none"),
      .init("gamma", \.gamma, .atLeast(0), "how much less what is already right counts"),
    ]
  }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: any, the same for both.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.focalSum(target, alpha: alpha, gamma: gamma)
  }
}
