import DLConfiguration
import DLTensor

/// `-Σ weight[label] · x[label]` over rows of log probabilities x.
///
/// Shapes: x `[..., classes]`, labels int32 `[...]`. Denominator: the sum of the weights of the
/// labels that are not ignored. Counterpart: `torch.nn.NLLLoss`.
public struct NegativeLogLikelihood: ClassLoss {
  /// The name in `loss`.
  public static var word: String { "nll" }
  /// A factor per class; 1 unless given.
  public var weights: [Double]?
  /// The label of rows that do not count.
  public var ignoreIndex: Int32?

  /// Makes the loss without options.
  public init() {}

  /// Makes the loss.
  public init(weights: [Double]? = nil, ignoreIndex: Int32? = nil) {
    self.weights = weights
    self.ignoreIndex = ignoreIndex
  }

  /// Log probabilities.
  public var takesLogarithms: Bool { true }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: prediction `[..., classes]`, target int32 `[...]`.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    try prediction.negativeLogLikelihoodSum(
      labels: target, weights: weights, ignoreIndex: ignoreIndex)
  }

  /// Probabilities: the outputs are their logarithms.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for outputs that the loss does not take, or where
  ///   there is no memory.
  public func predictions(of outputs: Tensor) throws -> Tensor { try outputs.exp() }
}
