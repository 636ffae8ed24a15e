import DLTensor

/// `Σ |prediction - target|` over elements.
///
/// Shapes: equal. Denominator: elements. Counterpart: `torch.nn.L1Loss`.
public struct MeanAbsoluteError: LossSpec {
  /// The name in `loss`.
  public static var word: String { "mae" }

  /// Makes the loss.
  public init() {}

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: any, the same for both.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.absoluteErrorSum(target)
  }
}
