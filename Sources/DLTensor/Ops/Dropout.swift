import CKernels

extension Tensor {
  /// Zeroes elements with probability `p` and scales the others by `1 / (1 - p)`.
  ///
  /// Shapes: any to the same.
  ///
  /// The mask is a function of the key, the global row and the element within the row: it is
  /// neither stored nor dependent on how rows are spread over ranks. The first row's global number
  /// is the context's row offset, or `firstRow` where rows are not those of a batch.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func dropout(_ p: Double, key: RandomKey, firstRow: Int? = nil) throws -> Tensor {
    try requireReal(op: "dropout")
    guard p >= 0, p < 1 else { throw TensorError(op: "dropout", "p is \(p), expected 0 <= p < 1") }
    let rows = shape.rank == 0 ? 1 : shape[0]
    let columns = rows == 0 ? 0 : count / rows
    let first = firstRow ?? context.rowOffset
    if LinearOperator.isWanted(self) {
      let mask: (Tensor) throws -> Tensor = { try $0.dropout(p, key: key, firstRow: first) }
      return try LinearOperator(op: "dropout", of: mask, transposedMap: mask)(self)
    }
    let firstRow = UInt64(truncatingIfNeeded: first)
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_dropout_forward(
      dtype.kernel, pointer, rows, columns, firstRow, key.value, p, y.pointer)
    return context.record(y, from: self) { [self] dy in
      try addGradient(reusing: dy) { dx, accumulate in
        dl_dropout_backward(
          dtype.kernel, dy.pointer, rows, columns, firstRow, key.value, p, dx, accumulate)
      }
    }
  }

  /// Zeroes whole channels of a row with probability `p` and scales the others by `1 / (1 - p)`.
  ///
  /// Channel c of a row takes the place of element c in ``dropout(_:key:firstRow:)``. Shapes:
  /// `[batch, ..., channels]`. Tompson et al. 2015. Counterpart:
  /// `torch.nn.functional.dropout2d`.
  ///
  /// - Throws: ``TensorError`` for fewer than two axes or a probability outside `0 ..< 1`.
  public func channelDropout(_ p: Double, key: RandomKey) throws -> Tensor {
    guard shape.rank >= 2 else {
      throw TensorError(
        op: "channel_dropout", "input has shape \(shape), expected [batch, ..., channels]")
    }
    return try dropParts("channel_dropout", p, key: key, parts: shape.last)
  }

  /// Zeroes whole rows with probability `p` and scales the others by `1 / (1 - p)`: stochastic
  /// depth, at the end of a residual branch.
  ///
  /// Shapes: `[batch, ...]`. Huang et al. 2016, scaled in training as
  /// `torchvision.ops.stochastic_depth` does.
  ///
  /// - Throws: ``TensorError`` for a scalar or a probability outside `0 ..< 1`.
  public func dropPath(_ p: Double, key: RandomKey) throws -> Tensor {
    guard shape.rank >= 1 else {
      throw TensorError(op: "drop_path", "input has shape \(shape), expected [batch, ...]")
    }
    return try dropParts("drop_path", p, key: key, parts: 1)
  }

  /// Multiplies with a mask of one element for each row and each of its last axis's `parts`.
  private func dropParts(_ op: String, _ p: Double, key: RandomKey, parts: Int) throws -> Tensor {
    try requireReal(op: op)
    guard p >= 0, p < 1 else { throw TensorError(op: op, "p is \(p), expected 0 <= p < 1") }
    let ones = try Tensor.full([shape[0], parts], 1, dtype: dtype, context: context)
    var extents = [Int](repeating: 1, count: shape.rank)
    extents[shape.rank - 1] = parts
    extents[0] = shape[0]
    return try self * ones.dropout(p, key: key).reshape(Shape(extents))
  }
}
