import DLTensor

/// `-Σ weight[label] · x[label]` over rows of log probabilities x.
///
/// Shapes: x `[..., classes]`, labels int32 `[...]`. Denominator: the sum of the weights of the labels
/// that are not ignored. Counterpart: `torch.nn.NLLLoss`.
public struct NegativeLogLikelihood: Loss {
  /// A factor per class; 1 unless given.
  public let weights: [Double]?
  /// The label of rows that do not count.
  public let ignoreIndex: Int32?

  /// Makes the loss.
  public init(weights: [Double]? = nil, ignoreIndex: Int32? = nil) {
    self.weights = weights
    self.ignoreIndex = ignoreIndex
  }

  /// What the sum is divided by.
  public func denominator(_ target: Tensor) throws -> Double {
    try target.labelWeight(weights, ignoreIndex: ignoreIndex)
  }

  /// The sum over this rank's rows.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.negativeLogLikelihoodSum(
      labels: target, weights: weights, ignoreIndex: ignoreIndex)
  }
}
