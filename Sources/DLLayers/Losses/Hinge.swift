import DLConfiguration
import DLTensor

/// `Σ max(margin - t[c] · z[c], 0)` over rows and classes, t being 1 at the label and -1 elsewhere, or
/// the same with squares: a linear support vector machine for each class against the rest.
///
/// Shapes: outputs z `[..., classes]`, labels int32 `[...]`. Denominator: the sum of the weights of the
/// labels that are not ignored. Cortes and Vapnik 1995, "Support-vector networks". Counterpart:
/// scikit-learn's `LinearSVC`, whose C is 1 over rows and weight decay.
public struct Hinge: ClassLoss {
  /// The name in `loss`.
  public static var word: String { "hinge" }
  /// The output from which on a row costs nothing.
  public var margin = 1.0
  /// True if each part is squared.
  public var squared = false
  /// A factor per class; 1 unless given.
  public var weights: [Double]?
  /// The label of rows that do not count.
  public var ignoreIndex: Int32?

  /// Makes the loss with a margin of 1.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("margin", \.margin, .above(0), "the output from which on a row costs nothing"),
      .init("squared", \.squared, "whether each part is squared"),
    ] + classFields
  }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: prediction `[..., classes]`, target int32 `[...]`.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    let (scales, signs) = try targets(
      of: prediction, target, hit: 1, miss: -1, isSquared: squared)
    let parts = try (scales * margin - signs * prediction).relu()
    return try (squared ? parts.square() : parts).sum()
  }
}
