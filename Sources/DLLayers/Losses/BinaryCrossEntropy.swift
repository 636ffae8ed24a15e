import DLTensor

/// `-Σ (t · log x + (1 - t) · log(1 - x))` over elements of probabilities x, logarithms at least
/// -100.
///
/// For logits ``BCEWithLogits`` is exact where this one saturates. Shapes: equal; targets in 0...1.
/// Denominator: elements. Counterpart: `torch.nn.BCELoss`.
public struct BinaryCrossEntropy: LossSpec {
  /// The name in `loss`.
  public static var word: String { "bce" }

  /// Makes the loss.
  public init() {}

  /// Numbers from 0 to 1.
  public func labelDomain(_ outputs: Shape, _ type: DType) -> ValueDomain { .within(0...1) }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: any, the same for both.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.binaryCrossEntropySum(target)
  }
}
