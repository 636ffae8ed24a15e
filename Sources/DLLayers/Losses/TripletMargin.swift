import DLTensor

/// `Σ max(margin + |anchor - positive| - |anchor - negative|, 0)` over rows, Euclidean lengths.
///
/// Shapes: all `[rows, features]`. Denominator: rows. Balntas et al. 2016. Counterpart:
/// `torch.nn.TripletMarginLoss(p=2)`.
public struct TripletMargin: Sendable {
  /// The distance by which the negative should be farther than the positive.
  package let margin: Double
  /// Added to each difference, so that lengths have a slope everywhere.
  package let eps: Double
  /// True if the distance of positive and negative counts where it is the smaller one.
  package let swap: Bool

  /// Makes the loss.
  public init(margin: Double = 1, eps: Double = 1e-6, swap: Bool = false) {
    self.margin = margin
    self.eps = eps
    self.swap = swap
  }

  /// The number of rows of `[rows, features]`, by which the sum is divided.
  public func denominator(_ anchor: Tensor) -> Double {
    Double(anchor.shape.rank > 0 ? anchor.shape[0] : 1)
  }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: `[rows, features]`, the same for all three.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ anchor: Tensor, positive: Tensor, negative: Tensor) throws -> Tensor {
    try anchor.tripletMarginSum(
      positive: positive, negative: negative, margin: margin, eps: eps, swap: swap)
  }
}
