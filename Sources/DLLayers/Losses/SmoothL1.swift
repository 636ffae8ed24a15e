import DLConfiguration
import DLTensor

/// `Σ (d < beta ? d² / (2 · beta) : d - beta / 2)` over elements, d = |prediction - target|.
///
/// Huber's loss divided by beta; absolute values where beta is 0. Shapes: equal. Denominator:
/// elements. Girshick 2015. Counterpart: `torch.nn.SmoothL1Loss`.
public struct SmoothL1: LossSpec {
  /// The name in `loss`.
  public static var word: String { "smooth_l1" }
  /// The difference above which squares turn into absolute values.
  package var beta = 1.0

  /// Makes the loss with 1 for beta.
  public init() {}

  /// Makes the loss.
  public init(beta: Double) { self.beta = beta }

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [.init("beta", \.beta, .atLeast(0), "where squares turn into absolute values")]
  }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: any, the same for both.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    if beta == 0 { return try prediction.absoluteErrorSum(target) }
    return try prediction.huberSum(target, delta: beta) / beta
  }
}
