import DLConfiguration
import DLTensor

/// `Σ max(z, 0) - z·t + log(1 + exp(-|z|))` over elements: binary cross-entropy of sigmoid(z)
/// against t.
///
/// Shapes: equal; targets in 0...1. Denominator: elements. Counterpart:
/// `torch.nn.BCEWithLogitsLoss`.
public struct BCEWithLogits: LogitLoss {
  /// The name in `loss`.
  public static var word: String { "bce_with_logits" }
  /// A factor for the part of t per class of the last axis; 1 unless given.
  package var positiveWeights: [Double]?

  /// Makes the loss without weights.
  public init() {}

  /// Makes the loss.
  public init(positiveWeights: [Double]?) { self.positiveWeights = positiveWeights }

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "pos_weight", \.positiveWeights, .atLeast(0), "factor for targets of 1, one per class")
    ]
  }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: any, the same for both.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    guard let positiveWeights else { return try prediction.bceWithLogitsSum(target) }
    return try prediction.bceWithLogitsSum(
      target, weights: nil, positiveWeights: positiveWeights)
  }
}
