import CKernels

extension Tensor {
  /// `Σ (label is 1 ? 1 - cos(x, other) : max(cos(x, other) - margin, 0))` over rows; a scalar.
  ///
  /// Shapes: this tensor and `other` `[rows, features]`; labels int32 `[rows]`, 1 for pairs that
  /// belong together, -1 for others.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, and for other labels.
  package func cosineEmbeddingSum(_ other: Tensor, labels: Tensor, margin: Double = 0) throws
    -> Tensor
  {
    try requireRows("cosine_embedding", other)
    let (rows, width) = (shape[0], shape[1])
    guard labels.dtype == .int32, labels.count == rows else {
      throw TensorError(
        op: "cosine_embedding",
        "inputs have shape \(shape), labels \(labels.dtype) \(labels.shape); expected int32 "
          + "[\(rows)]")
    }
    var negative: Int32 = -1
    let wrong = dl_first_beyond_i32(labels.int32s, rows, 1, 1, &negative)
    guard wrong == rows else {
      throw TensorError(
        op: "cosine_embedding", "label \(labels.int32s[wrong]) of row \(wrong) is neither 1 nor -1",
        exitCode: .data)
    }
    if context.isDecomposing { return try decomposedCosineEmbedding(other, labels, margin) }
    let sum = dl_cosine_embedding_forward(
      dtype.kernel, pointer, other.pointer, labels.int32s, rows, width, margin)
    return try lossSum(sum, from: other) { [self] scale in
      for (a, b) in [(self, other), (other, self)] {
        try a.addGradient { da, accumulate in
          dl_cosine_embedding_backward(
            dtype.kernel, a.pointer, b.pointer, labels.int32s, rows, width, margin, scale, da,
            accumulate)
        }
      }
    }
  }

  /// `Σ max(margin + |x - positive| - |x - negative|, 0)` over rows, |v| the Euclidean length of
  /// v + eps; a scalar.
  ///
  /// With `swap` the second distance is the smaller one of that and `|positive - negative|`.
  /// Shapes: all `[rows, features]`. Balntas et al. 2016.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package func tripletMarginSum(
    positive: Tensor, negative: Tensor, margin: Double = 1, eps: Double = 1e-6, swap: Bool = false
  ) throws -> Tensor {
    try requireRows("triplet_margin", positive)
    try requireRows("triplet_margin", negative)
    let (rows, width) = (shape[0], shape[1])
    if context.isDecomposing {
      return try decomposedTripletMargin(positive, negative, margin, eps, swap)
    }
    let swapped: Int32 = swap ? 1 : 0
    let sum = dl_triplet_margin_forward(
      dtype.kernel, pointer, positive.pointer, negative.pointer, rows, width, margin, eps, swapped)
    return try lossSum(sum, from: positive, negative) { [self] scale in
      for (operand, tensor) in [self, positive, negative].enumerated() {
        try tensor.addGradient { dx, accumulate in
          dl_triplet_margin_backward(
            dtype.kernel, pointer, positive.pointer, negative.pointer, rows, width, margin, eps,
            swapped, Int32(operand), scale, dx, accumulate)
        }
      }
    }
  }

  private func requireRows(_ op: String, _ other: Tensor) throws {
    try requireReal(op: op)
    guard shape.rank == 2, other.shape == shape, other.dtype == dtype else {
      throw TensorError(
        op: op,
        "inputs are \(dtype) \(shape) and \(other.dtype) \(other.shape); expected equal "
          + "[rows, features]")
    }
  }
}
