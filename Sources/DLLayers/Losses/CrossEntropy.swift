import DLConfiguration
import DLTensor

/// `-Σ weight[c] · q[c] · log softmax(logits)[c]` over rows and classes, with q = 1 at the label.
///
/// Label smoothing spreads q: `q = (1 - smoothing) · target + smoothing / classes` (Szegedy et al.
/// 2016). Shapes: logits `[..., classes]`; labels int32 `[...]`, or probabilities `[..., classes]`
/// in the logits' precision. Denominator: for labels the sum of the weights of those not ignored,
/// for probabilities the rows. Counterpart: `torch.nn.CrossEntropyLoss`.
public struct CrossEntropy: ClassLoss {
  /// The name in `loss`.
  public static var word: String { "cross_entropy" }
  /// A factor per class; 1 unless given.
  public var weights: [Double]?
  /// The share of a label that is spread evenly over all classes.
  package var labelSmoothing = 0.0
  /// The label of rows that do not count.
  public var ignoreIndex: Int32?

  /// Makes the loss without options.
  public init() {}

  /// Makes the loss.
  public init(
    weights: [Double]? = nil, labelSmoothing: Double = 0, ignoreIndex: Int32? = nil
  ) {
    self.weights = weights
    self.labelSmoothing = labelSmoothing
    self.ignoreIndex = ignoreIndex
  }

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    classFields + [
      .init(
        "label_smoothing", \.labelSmoothing, .within(0...1),
        "how much of a label is spread evenly over all classes")
    ]
  }

  /// Classes, or a probability for each.
  public var labelTypes: [DType] { [.int32, .float32] }

  /// The number by which the sum is divided.
  ///
  /// Shapes: target int32 `[...]`, or probabilities `[..., classes]`.
  ///
  /// - Throws: ``TensorError`` for labels outside the classes, or shapes that do not fit.
  public func denominator(_ target: Tensor) throws -> Double {
    if target.dtype.isReal { return Double(target.shape.leading) }
    guard weights != nil || ignoreIndex != nil else { return Double(target.count) }
    return try target.labelWeight(weights, ignoreIndex: ignoreIndex)
  }

  /// Classes, or probabilities.
  public func labelDomain(_ outputs: Shape, _ type: DType) -> ValueDomain {
    type.isReal ? .probabilities : .indices(count: outputs.last, ignored: ignoreIndex)
  }

  /// The sum over this rank's rows, a scalar.
  ///
  /// Shapes: prediction `[..., classes]`, target int32 `[...]` or probabilities `[..., classes]`.
  ///
  /// - Throws: ``TensorError`` when the tensors do not fit each other.
  public func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    if target.dtype.isReal {
      return try prediction.crossEntropySum(
        probabilities: target, weights: weights, labelSmoothing: labelSmoothing)
    }
    guard weights != nil || labelSmoothing != 0 || ignoreIndex != nil else {
      return try prediction.crossEntropySum(labels: target)
    }
    return try prediction.crossEntropySum(
      labels: target, weights: weights, labelSmoothing: labelSmoothing, ignoreIndex: ignoreIndex)
  }

  /// Probabilities: the softmax of the outputs.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for outputs that the loss does not take, or where
  ///   there is no memory.
  public func predictions(of outputs: Tensor) throws -> Tensor { try outputs.softmax() }
}
