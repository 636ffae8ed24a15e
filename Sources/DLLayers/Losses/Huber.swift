import DLTensor

/// `Σ (d ≤ delta ? d² / 2 : delta · (d - delta / 2))` over elements, d = |prediction - target|.
///
/// Shapes: equal. Denominator: elements. Huber 1964. Counterpart: `torch.nn.HuberLoss`.
public struct Huber: Loss {
  /// Where squares turn into absolute values.
  public let delta: Double

  /// Makes the loss.
  public init(delta: Double = 1) {
    self.delta = delta
  }

  /// What the sum is divided by.
  public func denominator(_ target: Tensor) -> Double {
    Double(target.count)
  }

  /// The sum over this rank's rows.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.huberSum(target, delta: delta)
  }
}
