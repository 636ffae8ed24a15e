import CKernels

extension Tensor {
  /// `-Σ log softmax(logits)[label]` over rows; a scalar.
  ///
  /// Shapes: logits `[..., classes]` (this tensor), labels int32 `[...]`; every index of the
  /// leading axes is a row.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit or a label outside `0 ..< classes`.
  package func crossEntropySum(labels: Tensor) throws -> Tensor {
    try requireReal(op: "cross_entropy")
    guard shape.rank >= 2, labels.dtype == .int32, labels.count == shape.leading, shape.last > 0
    else {
      throw TensorError(
        op: "cross_entropy",
        "logits have shape \(shape), labels \(labels.dtype) \(labels.shape); expected "
          + "[..., classes] and int32 [...]")
    }
    if context.isDecomposing { return try decomposedCrossEntropy(labels, nil, nil, 0, nil) }
    let (rows, classes) = (shape.leading, shape.last)
    let labelPointer = labels.pointer.assumingMemoryBound(to: Int32.self)
    let probabilities = try Tensor.empty(shape, dtype: dtype, context: context)
    var sum = 0.0
    let wrong = dl_cross_entropy_forward(
      dtype.kernel, pointer, labelPointer, rows, classes, Int32.min, &sum, probabilities.pointer,
      nil, nil, nil)
    guard wrong < 0 else {
      throw TensorError(
        op: "cross_entropy",
        "label \(labelPointer[wrong]) of row \(wrong) is not in 0 ..< \(classes)", exitCode: .data)
    }
    return try lossSum(sum) { [self] scale in
      // The probabilities become the gradient where they lie, which may be the step's largest tensor.
      try addGradient(reusing: probabilities) { dx, accumulate in
        dl_cross_entropy_backward(
          dtype.kernel, probabilities.pointer, labels.int32s, rows, classes, Int32.min, scale, dx,
          accumulate)
      }
    }
  }

  /// `Σ (x - target)²` over elements; a scalar.
  ///
  /// Gradients flow to this tensor alone.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  package func squaredErrorSum(_ target: Tensor) throws -> Tensor {
    try requireSameElements("mse", target)
    if context.isDecomposing { return try decomposedSquaredError(target) }
    let sum = dl_mse_forward(dtype.kernel, pointer, target.pointer, count)
    return try lossSum(sum) { [self] scale in
      try addGradient { dx, accumulate in
        dl_mse_backward(dtype.kernel, pointer, target.pointer, count, scale, dx, accumulate)
      }
    }
  }

  /// `Σ max(x, 0) - x·t + log(1 + exp(-|x|))` over elements; a scalar.
  ///
  /// Gradients flow to this tensor alone.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  package func bceWithLogitsSum(_ target: Tensor) throws -> Tensor {
    try requireSameElements("bce_with_logits", target)
    if context.isDecomposing { return try decomposedBCE(target, nil, nil) }
    let sum = dl_bce_with_logits_forward(dtype.kernel, pointer, target.pointer, count)
    return try lossSum(sum) { [self] scale in
      try addGradient { dx, accumulate in
        dl_bce_with_logits_backward(
          dtype.kernel, pointer, target.pointer, count, scale, dx, accumulate)
      }
    }
  }

  /// The number of rows of logits that have their largest element at the label, where that is not
  /// `ignoreIndex`.
  ///
  /// - Throws: ``TensorError`` unless there is one int32 label for each row of real logits, or
  ///   where there is no memory.
  package func correctCount(labels: Tensor, ignoreIndex: Int32? = nil) throws -> Int {
    guard labels.dtype == .int32, labels.count == shape.leading else {
      throw TensorError(op: "accuracy", "logits have shape \(shape), labels \(labels.shape)")
    }
    let predicted = try argmax().pointer.assumingMemoryBound(to: Int32.self)
    let expected = labels.pointer.assumingMemoryBound(to: Int32.self)
    return (0..<labels.count).count {
      predicted[$0] == expected[$0] && expected[$0] != ignoreIndex
    }
  }

  /// A recorded scalar in double, whatever the precision: losses are summed over many rows.
  func lossSum(
    _ sum: Double, from second: Tensor? = nil, _ third: Tensor? = nil,
    op: StaticString = #function, backward: @escaping (Double) throws -> Void
  ) throws -> Tensor {
    let result = try Tensor.full([], sum, dtype: .float64, context: context)
    return context.record(result, from: self, second, third, op: op) { try backward($0.scalar) }
  }

  func requireSameElements(_ op: String, _ target: Tensor) throws {
    try requireReal(op: op)
    guard shape == target.shape, dtype == target.dtype else {
      throw TensorError(
        op: op, "prediction is \(dtype) \(shape), target \(target.dtype) \(target.shape)")
    }
  }
}
