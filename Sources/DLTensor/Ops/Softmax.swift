import CKernels

extension Tensor {
  /// `exp(x) / Σ exp(x)` over the last axis.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func softmax() throws -> Tensor {
    try requireReal(op: "softmax")
    let (rows, columns) = (shape.leading, shape.last)
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_softmax_forward(dtype.kernel, pointer, rows, columns, y.pointer)
    if context.isDecomposing {
      return context.record(
        y, Pullback(self) { dy in try y * (dy - (dy * y).sum(axis: -1, keepsAxis: true)) })
    }
    return context.record(y, from: self) { [self] dy in
      try addGradient(reusing: dy) { dx, accumulate in
        dl_softmax_backward(
          dtype.kernel, y.pointer, dy.pointer, rows, columns, dx, accumulate)
      }
    }
  }

  /// `x - log Σ exp(x)` over the last axis.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func logSoftmax() throws -> Tensor {
    try requireReal(op: "log_softmax")
    let (rows, columns) = (shape.leading, shape.last)
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_log_softmax_forward(dtype.kernel, pointer, rows, columns, y.pointer)
    if context.isDecomposing {
      return context.record(
        y, Pullback(self) { dy in try dy - y.exp() * dy.sum(axis: -1, keepsAxis: true) })
    }
    return context.record(y, from: self) { [self] dy in
      try addGradient(reusing: dy) { dx, accumulate in
        dl_log_softmax_backward(
          dtype.kernel, y.pointer, dy.pointer, rows, columns, dx, accumulate)
      }
    }
  }

  /// The position of the largest element of each row of the last axis, the first of equals; int32
  /// `[rows]`.
  ///
  /// Shapes: `[..., columns]` to int32 `[rows]`.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func argmax() throws -> Tensor {
    try requireReal(op: "argmax")
    guard shape.last > 0 else { throw TensorError(op: "argmax", "shape \(shape) has empty rows") }
    let result = try Tensor.empty([shape.leading], dtype: .int32, context: context)
    dl_argmax_rows(
      dtype.kernel, pointer, shape.leading, shape.last,
      result.pointer.assumingMemoryBound(to: Int32.self))
    return result
  }
}
