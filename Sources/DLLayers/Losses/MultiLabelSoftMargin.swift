import DLTensor

/// `-Σ weight[c] · (t · log p + (1 - t) · log(1 - p))` over elements of logits, p their sigmoid.
///
/// Each class is a yes or no of its own. Shapes: equal, `[..., classes]`; targets in 0...1.
/// Denominator: elements. Counterpart: `torch.nn.MultiLabelSoftMarginLoss`.
public struct MultiLabelSoftMargin: Loss {
  /// A factor per class; 1 unless given.
  public let weights: [Double]?

  /// Makes the loss.
  public init(weights: [Double]? = nil) {
    self.weights = weights
  }

  /// What the sum is divided by.
  public func denominator(_ target: Tensor) -> Double {
    Double(target.count)
  }

  /// The sum over this rank's rows.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.bceWithLogitsSum(target, weights: weights)
  }
}
