import CKernels

extension Tensor {
  /// The sums of each element of an axis with all before it.
  ///
  /// Shapes: any to the same.
  ///
  /// `y[i] = x[0] + ... + x[i]`. Counterpart: `torch.cumsum`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func cumulativeSum(axis: Int) throws -> Tensor {
    try requireReal(op: "cumsum")
    let view = try around("cumsum", axis: axis)
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_cumulative_sum(
      dtype.kernel, pointer, view.outer, view.extent, view.inner, 0, y.pointer, 0)
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        dl_cumulative_sum(
          dtype.kernel, dy.pointer, view.outer, view.extent, view.inner, 1, dx, accumulate)
      }
    }
  }
}
