import DLTensor

/// `Σ max(z, 0) - z·t + log(1 + exp(-|z|))` over elements: binary cross-entropy of sigmoid(z)
/// against t.
///
/// Shapes: equal; targets in 0...1. Denominator: elements. Counterpart:
/// `torch.nn.BCEWithLogitsLoss`.
public struct BCEWithLogits: Loss {
  /// A factor for the part of t per class of the last axis; 1 unless given.
  public let positiveWeights: [Double]?

  /// Makes the loss.
  public init(positiveWeights: [Double]? = nil) { self.positiveWeights = positiveWeights }

  /// What the sum is divided by.
  public func denominator(_ target: Tensor) -> Double { Double(target.count) }

  /// The sum over this rank's rows.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    guard let positiveWeights else { return try prediction.bceWithLogitsSum(target) }
    return try prediction.bceWithLogitsSum(
      target, weights: nil, positiveWeights: positiveWeights)
  }
}
