import DLConfiguration
import DLTensor

/// `Σ 1 - (2 · Σ p·t + smooth) / (Σ p² + Σ t² + smooth)`, the outer sum over rows and the inner ones over
/// a row's elements, p = sigmoid(logit): one minus the soft Dice coefficient, the overlap of two
/// regions.
///
/// Shapes: equal, `[batch, ...]`; targets in 0...1. Denominator: rows. Milletari et al. 2016, section 3;
/// `smooth` is 0 there.
public struct Dice: LossSpec {
  /// The name in `loss`.
  public static var word: String { "dice" }
  /// Added to the numerator and the denominator, so that an empty region that is found empty costs
  /// nothing.
  package var smooth = 1.0

  /// Makes the loss with 1 for `smooth`.
  public init() {}

  /// Makes the loss.
  public init(smooth: Double) { self.smooth = smooth }

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [.init("smooth", \.smooth, .atLeast(0), "added to the numerator and the denominator")]
  }

  /// The number of rows of `[batch, ...]`, by which the sum is divided.
  public func denominator(_ target: Tensor) -> Double {
    Double(target.shape.rank > 0 ? target.shape[0] : 1)
  }

  /// Numbers from 0 to 1.
  public func labelDomain(_ outputs: Shape, _ type: DType) -> ValueDomain { .within(0...1) }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: `[batch, ...]`, the same for both.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    let shape = prediction.shape
    guard shape == target.shape, shape.rank > 0 else {
      throw TensorError(
        op: "dice", "prediction has shape \(shape), target \(target.shape), expected [batch, ...]")
    }
    let axes = Array(1..<max(shape.rank, 2))
    let rows: (Tensor) throws -> Tensor = { x in
      shape.rank == 1 ? x : try x.sum(axes: axes)
    }
    let p = try prediction.sigmoid()
    let overlap = try rows(p * target) * 2 + smooth
    let sizes = try rows(p.square()) + rows(target.square()) + smooth
    return try (1 - overlap / sizes).sum()
  }

  /// Probabilities: the sigmoid of the outputs.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for outputs that the loss does not take, or where
  ///   there is no memory.
  public func predictions(of outputs: Tensor) throws -> Tensor { try outputs.sigmoid() }
}
