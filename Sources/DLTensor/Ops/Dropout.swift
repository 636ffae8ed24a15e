import CKernels

extension Tensor {
  /// Zeroes elements with probability `p` and scales the others by `1 / (1 - p)`.
  ///
  /// The mask is a function of the key, the global row and the element within the row: it is
  /// neither stored nor dependent on how rows are spread over ranks.
  public func dropout(_ p: Double, key: RandomKey) throws -> Tensor {
    try requireReal(op: "dropout")
    guard p >= 0, p < 1 else { throw TensorError(op: "dropout", "p is \(p), expected 0 <= p < 1") }
    let rows = shape.rank == 0 ? 1 : shape[0]
    let columns = rows == 0 ? 0 : count / rows
    let firstRow = UInt64(context.rowOffset)
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_dropout_forward(
      dtype.kernel, pointer, rows, columns, firstRow, key.value, p, y.pointer)
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        dl_dropout_backward(
          dtype.kernel, dy.pointer, rows, columns, firstRow, key.value, p, dx, accumulate)
      }
    }
  }
}
