import DLTensor

/// A loss as a sum and a denominator, so that it can be summed over micro-batches and ranks before
/// it is divided.
///
/// The loss of a step is `Σ sum / Σ denominator` over all rows of the global batch, wherever they
/// lie. The denominator depends on labels and shapes only: all of them are known before the first
/// backward.
public protocol Loss: Sendable {
  /// The types that labels may have in a data set: int32 (classes), float32 (values), or either.
  var labelTypes: [DType] { get }

  /// The values that labels may have, of a type among ``labelTypes``, where the network's outputs
  /// have this shape, their batch axis included.
  func labelDomain(_ outputs: Shape, _ type: DType) -> ValueDomain

  /// True if the network's outputs are taken for logarithms of probabilities, of which no loss is
  /// below 0; false by default.
  var takesLogarithms: Bool { get }

  /// The number by which the sum is divided: rows, unmasked tokens, or elements, the default.
  ///
  /// Shapes: any that the loss takes, as labels `[batch]` of classes.
  ///
  /// - Throws: ``TensorError`` for labels outside the classes, or shapes that do not fit.
  func denominator(_ target: Tensor) throws -> Double

  /// The sum over this rank's rows, a scalar to differentiate.
  ///
  /// Shapes: any that the loss takes, as `[batch, classes]` and `[batch]`, or the same for both.
  ///
  /// - Throws: ``TensorError`` when prediction and target do not fit.
  func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor

  /// The values that the outputs stand for: probabilities where the loss takes logits or
  /// logarithms, else the outputs themselves.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for labels outside the classes, or shapes that do not fit.
  func predictions(of outputs: Tensor) throws -> Tensor

  /// The meaning of outputs of a shape, their batch axis included, for labels of a type.
  func predictionKind(outputs: Shape, labels: DType) -> PredictionKind
}

extension Loss {
  /// Values.
  public var labelTypes: [DType] { [.float32] }
  /// Any finite number.
  public func labelDomain(_ outputs: Shape, _ type: DType) -> ValueDomain { .finite }
  /// Values, logits or scores.
  public var takesLogarithms: Bool { false }
  /// The number of elements of a target of any shape.
  public func denominator(_ target: Tensor) -> Double { Double(target.count) }
  /// The outputs themselves.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for outputs that the loss does not take, or where
  ///   there is no memory.
  public func predictions(of outputs: Tensor) throws -> Tensor { outputs }
}
