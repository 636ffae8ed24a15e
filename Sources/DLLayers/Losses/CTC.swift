import DLConfiguration
import DLTensor

/// Connectionist temporal classification: `-Σ log p(labels | x)` over rows, x log probabilities.
///
/// Shapes: x `[batch, time, classes]`, from a log-softmax; targets int32 `[batch, labels]`; lengths
/// int32 `[batch]`. A row whose labels do not fit into its time steps has an infinite loss, or 0
/// with `zeroInfinity`. As a ``Loss`` of prediction and target those time steps are valid that the
/// prediction's ``Tensor/lengths`` say, where a row that does not fit is an error, and a row's labels
/// end where the blank first stands, as padding. Denominator: rows. Graves et al. 2006. Counterpart:
/// `torch.nn.CTCLoss(reduction="sum")`.
public struct CTC: LossSpec {
  /// The name in `loss`.
  public static var word: String { "ctc" }
  /// The class that stands for no label.
  package var blank = 0
  /// True if rows whose labels do not fit count as 0, with gradients of 0.
  package var zeroInfinity = false

  /// Makes the loss with 0 for the blank.
  public init() {}

  /// Makes the loss.
  public init(blank: Int = 0, zeroInfinity: Bool = false) {
    self.blank = blank
    self.zeroInfinity = zeroInfinity
  }

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("blank", \.blank, .atLeast(0), "class that stands for no label, and pads labels"),
      .init("zero_infinity", \.zeroInfinity, "rows whose labels do not fit count as 0"),
    ]
  }

  /// Log probabilities.
  public var takesLogarithms: Bool { true }

  /// Sequences of classes.
  public var labelTypes: [DType] { [.int32] }

  /// The number of rows of `[batch, labels]`, by which the sum is divided.
  public func denominator(_ target: Tensor) -> Double {
    Double(target.shape.rank > 0 ? target.shape[0] : 1)
  }

  /// Classes without the blank, which fills up the end of a row, and no more of them than fit into
  /// the time steps of the outputs `[batch, time, classes]`.
  public func labelDomain(_ outputs: Shape, _ type: DType) -> ValueDomain {
    guard outputs.rank == 3 else { return .finite }
    return .sequences(
      classes: outputs[2], blank: blank, steps: zeroInfinity ? nil : outputs[1])
  }

  /// The sum over this rank's rows, each of the lengths given; nil where all are full.
  ///
  /// Shapes: prediction `[batch, time, classes]`, targets int32 `[batch, labels]`, lengths int32
  /// `[batch]`.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(
    _ prediction: Tensor, _ targets: Tensor, inputLengths: Tensor?, targetLengths: Tensor?
  ) throws -> Tensor {
    try prediction.ctcSum(
      targets: targets, inputLengths: inputLengths, targetLengths: targetLengths, blank: blank,
      zeroInfinity: zeroInfinity)
  }

  /// The sum over this rank's rows of targets that are padded with the blank.
  ///
  /// Shapes: prediction `[batch, time, classes]`, target int32 `[batch, labels]`.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other, or a row's labels not into its
  ///   length.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    let counts = try target.lengths(until: blank)
    let sum = try prediction.ctcSum(
      targets: target, inputLengths: prediction.lengths, targetLengths: counts, blank: blank,
      zeroInfinity: zeroInfinity)
    if let lengths = prediction.lengths, !zeroInfinity {
      try target.requireCTCRoom(counts, in: lengths, blank: blank)
    }
    return sum
  }

  /// Probabilities: the outputs are their logarithms.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for outputs that the loss does not take, or where
  ///   there is no memory.
  public func predictions(of outputs: Tensor) throws -> Tensor { try outputs.exp() }
}
