import DLTensor

/// `Σ (label is 1 ? 1 - cos(a, b) : max(cos(a, b) - margin, 0))` over rows: pairs of vectors that
/// belong together (1) or not (-1).
///
/// Shapes: a, b `[rows, features]`, labels int32 `[rows]`. Denominator: rows. Counterpart:
/// `torch.nn.CosineEmbeddingLoss`.
public struct CosineEmbedding: Sendable {
  /// The cosine below which pairs that do not belong together cost nothing.
  package let margin: Double

  /// Makes the loss.
  public init(margin: Double = 0) { self.margin = margin }

  /// The number of labels `[rows]`, by which the sum is divided.
  public func denominator(_ labels: Tensor) -> Double { Double(labels.count) }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: a and b `[rows, features]`, labels int32 `[rows]`.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ a: Tensor, _ b: Tensor, labels: Tensor) throws -> Tensor {
    try a.cosineEmbeddingSum(b, labels: labels, margin: margin)
  }
}
