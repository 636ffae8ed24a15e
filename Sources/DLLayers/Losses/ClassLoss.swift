import DLConfiguration
import DLTensor

/// A loss of classes that exclude each other: the last axis of the outputs has a score for each,
/// and a label is the right one's index.
public protocol ClassLoss: LossSpec {
  /// A factor per class; 1 unless given.
  var weights: [Double]? { get set }
  /// The label of rows that do not count.
  var ignoreIndex: Int32? { get set }
}

extension ClassLoss {
  /// Classes.
  public var labelTypes: [DType] { [.int32] }

  /// Classes.
  public func labelDomain(_ outputs: Shape, _ type: DType) -> ValueDomain {
    .indices(count: outputs.last, ignored: ignoreIndex)
  }

  /// The sum of the weights of the labels that are not ignored.
  ///
  /// Shapes: target int32 `[...]`, of any shape.
  ///
  /// - Throws: ``TensorError`` for labels outside the classes.
  public func denominator(_ target: Tensor) throws -> Double {
    try target.labelWeight(weights, ignoreIndex: ignoreIndex)
  }

  /// The number of rows that have their largest output at the label, and of all rows; the ignored
  /// ones do not count.
  ///
  /// Shapes: outputs `[..., classes]`, labels int32 `[...]`.
  ///
  /// - Throws: ``TensorError`` when outputs and labels do not fit.
  public func correctCount(_ outputs: Tensor, labels: Tensor) throws -> (correct: Int, rows: Int) {
    (
      try outputs.correctCount(labels: labels, ignoreIndex: ignoreIndex),
      Int(try labels.labelWeight(nil, ignoreIndex: ignoreIndex))
    )
  }

  /// The keys of class losses.
  public static var fields: [ConfigurationField<Self>] { classFields }

  /// The keys that all of them have.
  static var classFields: [ConfigurationField<Self>] {
    [
      .init("weight", \.weights, .atLeast(0), "factor per class"),
      .init(
        "ignore_index", \.ignored, .within(Double(Int32.min)...Double(Int32.max)),
        "label of rows that do not count"),
    ]
  }

  private var ignored: Int? {
    get { ignoreIndex.map { Int($0) } }
    set { ignoreIndex = newValue.map { Int32(clamping: $0) } }
  }

  /// Weights of which none counts.
  public func problems() -> [ConfigurationProblem] {
    guard let weights, weights.allSatisfy({ $0 == 0 }) else { return [] }
    return [.init("weight", message: "at least one class must have a weight above 0")]
  }
}
