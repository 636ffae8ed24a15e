import DLTensor

/// `-Σ weight[c] · q[c] · log softmax(logits)[c]` over rows and classes, with q = 1 at the label.
///
/// Label smoothing spreads q: `q = (1 - smoothing) · target + smoothing / classes` (Szegedy et al.
/// 2016). Shapes: logits `[..., classes]`; labels int32 `[...]`, or probabilities `[..., classes]`
/// in the logits' precision. Denominator: for labels the sum of the weights of those not ignored,
/// for probabilities the rows. Counterpart: `torch.nn.CrossEntropyLoss`.
public struct CrossEntropy: Loss {
  /// A factor per class; 1 unless given.
  public let weights: [Double]?
  /// How much of a label is spread evenly over all classes.
  public let labelSmoothing: Double
  /// The label of rows that do not count.
  public let ignoreIndex: Int32?

  /// Makes the loss.
  public init(
    weights: [Double]? = nil, labelSmoothing: Double = 0, ignoreIndex: Int32? = nil
  ) {
    self.weights = weights
    self.labelSmoothing = labelSmoothing
    self.ignoreIndex = ignoreIndex
  }

  /// What the sum is divided by.
  public func denominator(_ target: Tensor) throws -> Double {
    if target.dtype.isReal { return Double(target.shape.leading) }
    guard weights != nil || ignoreIndex != nil else { return Double(target.count) }
    return try target.labelWeight(weights, ignoreIndex: ignoreIndex)
  }

  /// The sum over this rank's rows.
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
}
