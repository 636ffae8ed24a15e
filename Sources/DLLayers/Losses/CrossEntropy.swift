import DLTensor

/// `-Σ log softmax(logits)[label]` over rows.
///
/// Shapes: logits `[..., classes]`, labels int32 `[...]`. Denominator: labels. Counterpart:
/// `torch.nn.CrossEntropyLoss`.
public struct CrossEntropy: Loss {
  /// Makes the loss.
  public init() {}

  /// What the sum is divided by.
  public func denominator(_ target: Tensor) -> Double { Double(target.count) }

  /// The sum over this rank's rows.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.crossEntropySum(labels: target)
  }
}
