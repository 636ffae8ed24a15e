import CKernels

extension SparseMatrix {
  /// The product with a dense matrix; gradients flow to it and to the values.
  ///
  /// Shapes: `[rows, columns]` times `[columns, width]` to `[rows, width]`; with values for h heads
  /// `[columns, h, width]` to `[rows, h, width]`, each head by itself. Counterpart:
  /// `torch.sparse.mm`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit.
  public func matmul(_ x: Tensor) throws -> Tensor {
    try x.requireReal(op: "sparse_matmul")
    let heads = values.shape.rank == 2 ? values.shape[1] : 1
    let rank = values.shape.rank == 2 ? 3 : 2
    guard x.dtype == values.dtype, x.shape.rank == rank, x.shape[0] == columns,
      rank == 2 || x.shape[1] == heads
    else {
      let expected = rank == 2 ? "[\(columns), width]" : "[\(columns), \(heads), width]"
      throw TensorError(
        op: "sparse_matmul",
        "sparse \(values.dtype) [\(rows), \(columns)] takes \(expected), got \(x.dtype) \(x.shape)")
    }
    let width = x.shape.last
    if LinearOperator.isWanted(x), !values.requiresGradient {
      let inputs = x.shape
      return try LinearOperator(op: "sparseMatmul", of: { try self.matmul($0) }) { [self] dy in
        let dx = try Tensor.zeros(inputs, dtype: dy.dtype, context: dy.context)
        dl_sparse_transposed_product(
          dy.dtype.kernel, rows, rowStart.int32s, column.int32s, values.pointer, dy.pointer, heads,
          width, dx.pointer)
        return dx
      }(x)
    }
    var resultShape = x.shape
    resultShape[0] = rows
    let y = try Tensor.empty(resultShape, dtype: x.dtype, context: x.context)
    let kernel = x.dtype.kernel
    dl_sparse_product(
      kernel, rows, rowStart.int32s, column.int32s, values.pointer, x.pointer, heads, width,
      y.pointer)
    return x.context.record(y, from: x, values) { [self] dy in
      try values.addGradient { dv, accumulate in
        dl_sparse_sampled_product(
          kernel, rows, rowStart.int32s, column.int32s, dy.pointer, x.pointer, heads, width, dv,
          accumulate)
      }
      try x.accumulateGradient { dx in
        dl_sparse_transposed_product(
          kernel, rows, rowStart.int32s, column.int32s, values.pointer, dy.pointer, heads, width,
          dx)
      }
    }
  }

  /// The softmax of the values over the entries of each row, for each head by itself.
  ///
  /// - Throws: ``TensorError`` where there is no memory.
  package func rowSoftmax() throws -> SparseMatrix {
    let v = values
    let heads = v.shape.rank == 2 ? v.shape[1] : 1
    let y = try Tensor.empty(v.shape, dtype: v.dtype, context: v.context)
    dl_sparse_softmax(v.dtype.kernel, rows, rowStart.int32s, v.pointer, heads, y.pointer)
    return try with(
      values: v.context.record(y, from: v) { [self] dy in
        try v.addGradient { dv, accumulate in
          dl_sparse_softmax_backward(
            v.dtype.kernel, rows, rowStart.int32s, y.pointer, dy.pointer, heads, dv, accumulate)
        }
      })
  }
}
