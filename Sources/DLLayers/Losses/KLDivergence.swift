import DLTensor

/// `Σ t · (log t - x)` over elements of log probabilities x.
///
/// Shapes: equal. Denominator: rows. Counterpart: `torch.nn.KLDivLoss(reduction="batchmean")`.
public struct KLDivergence: Loss {
  /// Whether targets are given as logarithms.
  public let logTarget: Bool

  /// Makes the loss.
  public init(logTarget: Bool = false) {
    self.logTarget = logTarget
  }

  /// What the sum is divided by.
  public func denominator(_ target: Tensor) -> Double {
    Double(target.shape.rank > 0 ? target.shape[0] : 1)
  }

  /// The sum over this rank's rows.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.klDivergenceSum(target, logTarget: logTarget)
  }
}
