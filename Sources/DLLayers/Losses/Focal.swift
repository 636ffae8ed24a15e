import DLTensor

/// `-Σ alpha_t · (1 - p_t)^gamma · log p_t` over elements, p_t the probability that sigmoid(logit)
/// gives the target.
///
/// Shapes: equal; targets in 0...1. Denominator: elements. Lin et al. 2017, equation 5.
public struct Focal: Loss {
  /// The weight of targets of 1, those of 0 getting 1 - alpha; nil for none.
  public let alpha: Double?
  /// How much less what is already right counts.
  public let gamma: Double

  /// Makes the loss.
  public init(alpha: Double? = 0.25, gamma: Double = 2) {
    self.alpha = alpha
    self.gamma = gamma
  }

  /// What the sum is divided by.
  public func denominator(_ target: Tensor) -> Double {
    Double(target.count)
  }

  /// The sum over this rank's rows.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.focalSum(target, alpha: alpha, gamma: gamma)
  }
}
