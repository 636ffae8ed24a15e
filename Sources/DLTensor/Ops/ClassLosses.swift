import CKernels
import DLCluster
import DLCore

extension Tensor {
  /// `-Σ weight[c] · q[c] · log softmax(logits)[c]` over rows and classes; a scalar.
  ///
  /// `q = (1 - labelSmoothing) · [c is the label] + labelSmoothing / classes`. Shapes: logits
  /// `[..., classes]` (this tensor), labels int32 `[...]`, weights one per class.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit or a label outside `0 ..< classes` that
  ///   is not `ignoreIndex`.
  package func crossEntropySum(
    labels: Tensor, weights: [Double]?, labelSmoothing: Double = 0, ignoreIndex: Int32? = nil
  ) throws -> Tensor {
    try requireLabels("cross_entropy", labels, weights)
    return try crossEntropySum(labels, nil, weights, labelSmoothing, ignoreIndex)
  }

  /// The same with a probability for each class in place of a label; gradients flow to the logits
  /// alone.
  ///
  /// Shapes: logits and probabilities `[..., classes]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  package func crossEntropySum(
    probabilities: Tensor, weights: [Double]? = nil, labelSmoothing: Double = 0
  ) throws -> Tensor {
    try requireSameElements("cross_entropy", probabilities)
    try requireWeights("cross_entropy", weights)
    return try crossEntropySum(nil, probabilities, weights, labelSmoothing, nil)
  }

  /// `-Σ weight[label] · x[label]` over rows of log probabilities; a scalar.
  ///
  /// Shapes: x `[..., classes]`, labels int32 `[...]`, weights one per class.
  ///
  /// - Throws: ``TensorError`` as ``crossEntropySum(labels:weights:labelSmoothing:ignoreIndex:)``.
  package func negativeLogLikelihoodSum(
    labels: Tensor, weights: [Double]? = nil, ignoreIndex: Int32? = nil
  ) throws -> Tensor {
    try requireLabels("nll", labels, weights)
    if context.isDecomposing {
      return try decomposedNegativeLogLikelihood("nll", labels, weights, ignoreIndex)
    }
    let (rows, classes, ignored) = (shape.leading, shape.last, ignoreIndex ?? Int32.min)
    var sum = 0.0
    try requireInside(
      "nll", labels,
      dl_nll_forward(
        dtype.kernel, pointer, labels.int32s, rows, classes, ignored, weights, &sum))
    return try lossSum(sum) { [self] scale in
      try addGradient { dx, accumulate in
        dl_nll_backward(
          dtype.kernel, labels.int32s, rows, classes, ignored, weights, scale, dx, accumulate)
      }
    }
  }

  /// `-Σ weight[c] · (positive[c] · t · log p + (1 - t) · log(1 - p))` over elements of logits, with
  /// p = sigmoid(x); a scalar.
  ///
  /// Gradients flow to this tensor alone.
  ///
  /// Shapes: x, target `[..., classes]`; weights and positive weights one per class.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  package func bceWithLogitsSum(
    _ target: Tensor, weights: [Double]?, positiveWeights: [Double]? = nil
  ) throws -> Tensor {
    try requireSameElements("bce_with_logits", target)
    try requireWeights("bce_with_logits", weights)
    try requireWeights("bce_with_logits", positiveWeights)
    if context.isDecomposing { return try decomposedBCE(target, weights, positiveWeights) }
    let (rows, classes) = (shape.leading, shape.last)
    let sum = dl_class_bce_forward(
      dtype.kernel, pointer, target.pointer, rows, classes, weights, positiveWeights)
    return try lossSum(sum) { [self] scale in
      try addGradient { dx, accumulate in
        dl_class_bce_backward(
          dtype.kernel, pointer, target.pointer, rows, classes, weights, positiveWeights, scale,
          dx, accumulate)
      }
    }
  }

  /// `Σ weight[label]` over int32 labels that are not `ignoreIndex`; without weights their number.
  ///
  /// - Throws: ``TensorError`` for a label without a weight.
  package func labelWeight(_ weights: [Double]?, ignoreIndex: Int32?) throws -> Double {
    guard dtype == .int32 else {
      throw TensorError(op: "loss", "needs int32 labels, got \(dtype) \(shape)")
    }
    var sum = 0.0
    for label in UnsafeBufferPointer(start: int32s, count: count) where label != ignoreIndex {
      guard let weights else {
        sum += 1
        continue
      }
      guard weights.indices.contains(Int(label)) else {
        throw TensorError(
          op: "loss", "label \(label) is not in 0 ..< \(weights.count)", exitCode: .data)
      }
      sum += weights[Int(label)]
    }
    return sum
  }

  private func crossEntropySum(
    _ labels: Tensor?, _ targets: Tensor?, _ weights: [Double]?, _ smoothing: Double,
    _ ignoreIndex: Int32?
  ) throws -> Tensor {
    if context.isDecomposing {
      return try decomposedCrossEntropy(labels, targets, weights, smoothing, ignoreIndex)
    }
    let (rows, classes, ignored) = (shape.leading, shape.last, ignoreIndex ?? Int32.min)
    let probabilities = try Tensor.empty(shape, dtype: dtype, context: context)
    var sum = 0.0
    let wrong = dl_class_cross_entropy_forward(
      dtype.kernel, pointer, labels?.int32s, targets?.pointer, rows, classes, ignored, weights,
      smoothing, &sum, probabilities.pointer)
    if let labels { try requireInside("cross_entropy", labels, wrong) }
    return try lossSum(sum) { [self] scale in
      try addGradient(reusing: probabilities) { dx, accumulate in
        dl_class_cross_entropy_backward(
          dtype.kernel, probabilities.pointer, labels?.int32s, targets?.pointer, rows, classes,
          ignored, weights, smoothing, scale, dx, accumulate)
      }
    }
  }

  private func requireLabels(_ op: String, _ labels: Tensor, _ weights: [Double]?) throws {
    try requireReal(op: op)
    guard shape.rank >= 1, shape.last > 0, labels.dtype == .int32, labels.count == shape.leading
    else {
      throw TensorError(
        op: op,
        "input has shape \(shape), labels \(labels.dtype) \(labels.shape); expected "
          + "[..., classes] and int32 [...]")
    }
    try requireWeights(op, weights)
  }

  private func requireWeights(_ op: String, _ weights: [Double]?) throws {
    guard let weights, weights.count != shape.last else { return }
    throw TensorError(
      op: op, "\(counted(weights.count, "weight")) for \(counted(shape.last, "class", "classes"))")
  }

  private func requireInside(_ op: String, _ labels: Tensor, _ wrong: Int) throws {
    guard wrong >= 0 else { return }
    throw TensorError(
      op: op, "label \(labels.int32s[wrong]) of row \(wrong) is not in 0 ..< \(shape.last)",
      exitCode: .data)
  }

  var int32s: UnsafeMutablePointer<Int32> { pointer.assumingMemoryBound(to: Int32.self) }
}
