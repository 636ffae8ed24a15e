import DLConfiguration
import DLTensor

/// `Σ (softmax(z)[c] - t[c])²` over rows and classes, t being 1 at the label and 0 elsewhere: the
/// squared error of probabilities, whose slope vanishes where a row is far from right.
///
/// Shapes: logits z `[..., classes]`, labels int32 `[...]`. Denominator: the sum of the weights of the
/// labels that are not ignored. Brier 1950, "Verification of forecasts expressed in terms of
/// probability".
public struct Brier: ClassLoss {
  /// The name in `loss`.
  public static var word: String { "brier" }
  /// A factor per class; 1 unless given.
  public var weights: [Double]?
  /// The label of rows that do not count.
  public var ignoreIndex: Int32?

  /// Makes the loss without options.
  public init() {}

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: prediction `[..., classes]`, target int32 `[...]`.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    let (scales, right) = try targets(of: prediction, target, hit: 1, miss: 0, isSquared: true)
    return try (prediction.softmax() * scales - right).square().sum()
  }

  /// Probabilities: the softmax of the outputs.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for outputs that the loss does not take, or where
  ///   there is no memory.
  public func predictions(of outputs: Tensor) throws -> Tensor { try outputs.softmax() }
}
