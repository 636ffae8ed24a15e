import DLConfiguration
import DLTensor

/// `Σ (d ≤ delta ? d² / 2 : delta · (d - delta / 2))` over elements, d = |prediction - target|.
///
/// Shapes: equal. Denominator: elements. Huber 1964. Counterpart: `torch.nn.HuberLoss`.
public struct Huber: LossSpec {
  /// The name in `loss`.
  public static var word: String { "huber" }
  /// The difference above which squares turn into absolute values.
  package var delta = 1.0

  /// Makes the loss with 1 for delta.
  public init() {}

  /// Makes the loss.
  public init(delta: Double) { self.delta = delta }

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [.init("delta", \.delta, .above(0), "where squares turn into absolute values")]
  }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: any, the same for both.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.huberSum(target, delta: delta)
  }
}
