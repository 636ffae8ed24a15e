import DLConfiguration
import DLTensor

/// `-Σ weight[c] · (t · log p + (1 - t) · log(1 - p))` over elements of logits, p their sigmoid.
///
/// Each class is a yes or no of its own. Shapes: equal, `[..., classes]`; targets in 0...1.
/// Denominator: elements. Counterpart: `torch.nn.MultiLabelSoftMarginLoss`.
public struct MultiLabelSoftMargin: LogitLoss {
  /// The name in `loss`.
  public static var word: String { "multi_label_soft_margin" }
  /// A factor per class; 1 unless given.
  package var weights: [Double]?

  /// Makes the loss without weights.
  public init() {}

  /// Makes the loss.
  public init(weights: [Double]?) { self.weights = weights }

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [.init("weight", \.weights, .atLeast(0), "factor per class")]
  }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: `[..., classes]`, the same for both.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.bceWithLogitsSum(target, weights: weights)
  }
}
