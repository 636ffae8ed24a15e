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
    func sum(_ x: Tensor, fromEnd: Int32, _ y: UnsafeMutableRawPointer, _ accumulate: Int32) {
      dl_cumulative_sum(
        x.dtype.kernel, x.pointer, view.outer, view.extent, view.inner, fromEnd, y, accumulate)
    }
    return try linearMap(to: shape) {
      sum($0, fromEnd: 0, $1, 0)
    } transposed: {
      sum($0, fromEnd: 1, $1, $2)
    }
  }
}
