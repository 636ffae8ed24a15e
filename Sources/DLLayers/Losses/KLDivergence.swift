import DLConfiguration
import DLTensor

/// `Σ t · (log t - x)` over elements of log probabilities x.
///
/// Shapes: equal. Denominator: rows. Counterpart: `torch.nn.KLDivLoss(reduction="batchmean")`.
public struct KLDivergence: LossSpec {
  /// The name in `loss`.
  public static var word: String { "kl_div" }
  /// True if targets are given as logarithms.
  package var logTarget = false

  /// Makes the loss for targets that are probabilities.
  public init() {}

  /// Makes the loss.
  public init(logTarget: Bool) { self.logTarget = logTarget }

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [.init("log_target", \.logTarget, "targets are logarithms of probabilities")]
  }

  /// Log probabilities.
  public var takesLogarithms: Bool { true }

  /// The number of rows of `[batch, ...]`, by which the sum is divided.
  public func denominator(_ target: Tensor) -> Double {
    Double(target.shape.rank > 0 ? target.shape[0] : 1)
  }

  /// Probabilities, or their logarithms.
  public func labelDomain(_ outputs: Shape, _ type: DType) -> ValueDomain {
    logTarget ? .logProbabilities : .probabilities
  }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: any, the same for both.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.klDivergenceSum(target, logTarget: logTarget)
  }

  /// Probabilities: the outputs are their logarithms.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for outputs that the loss does not take, or where
  ///   there is no memory.
  public func predictions(of outputs: Tensor) throws -> Tensor { try outputs.exp() }
}
