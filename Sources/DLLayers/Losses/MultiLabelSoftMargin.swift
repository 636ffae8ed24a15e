import DLConfiguration
import DLTensor

/// `-Σ weight[c] · (t · log p + (1 - t) · log(1 - p))` over elements of logits, p their sigmoid.
///
/// Each class is a yes or no of its own. Shapes: equal, `[..., classes]`; targets in 0...1.
/// Denominator: elements. Counterpart: `torch.nn.MultiLabelSoftMarginLoss`.
public struct MultiLabelSoftMargin: LossSpec {
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

  /// The number by which the sum is divided.
  public func denominator(_ target: Tensor) -> Double {
    Double(target.count)
  }

  /// Numbers from 0 to 1.
  public func labelDomain(_ outputs: Shape, _ type: DType) -> ValueDomain { .within(0...1) }

  /// The sum over this rank's rows.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.bceWithLogitsSum(target, weights: weights)
  }

  /// Probabilities: the sigmoid of the outputs.
  public func predictions(of outputs: Tensor) throws -> Tensor { try outputs.sigmoid() }
}
