import CKernels

// Reductions over chosen axes, all of them for an empty list; negative axes count from the end. The
// axes disappear unless `keepsAxes`. An axis that the shape has not, or that is named twice, throws.
extension Tensor {
  /// The largest element; NaN where there is one, and equals share the gradient.
  ///
  /// Shapes: the axes disappear, or are 1 with `keepsAxes`; a scalar without any.
  /// Counterpart: `torch.amax`.
  ///
  /// - Throws: ``TensorError`` also where there are no elements to choose from.
  public func maximum(axes: [Int] = [], keepsAxes: Bool = false) throws -> Tensor {
    try reduceRows("maximum", DL_ROW_MAXIMUM, axes, keepsAxes, takesEmpty: false)
  }

  /// The smallest element; NaN where there is one, and equals share the gradient.
  ///
  /// Shapes: the axes disappear, or are 1 with `keepsAxes`; a scalar without any.
  /// Counterpart: `torch.amin`.
  ///
  /// - Throws: ``TensorError`` also where there are no elements to choose from.
  public func minimum(axes: [Int] = [], keepsAxes: Bool = false) throws -> Tensor {
    try reduceRows("minimum", DL_ROW_MINIMUM, axes, keepsAxes, takesEmpty: false)
  }

  /// The product of the elements.
  ///
  /// Shapes: the axes disappear, or are 1 with `keepsAxes`; a scalar without any. Counterpart:
  /// `torch.prod`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func product(axes: [Int] = [], keepsAxes: Bool = false) throws -> Tensor {
    try reduceRows("product", DL_ROW_PRODUCT, axes, keepsAxes)
  }

  /// `log Σ exp(x)`, without overflow.
  ///
  /// Shapes: the axes disappear, or are 1 with `keepsAxes`; a scalar without any. Counterpart:
  /// `torch.logsumexp`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func logSumExp(axes: [Int] = [], keepsAxes: Bool = false) throws -> Tensor {
    try reduceRows("logsumexp", DL_ROW_LOG_SUM_EXP, axes, keepsAxes)
  }

  /// `(Σ |x|ᵖ)^(1/p)`, the largest magnitude for an infinite order; the gradient at a norm of 0
  /// is 0.
  ///
  /// Shapes: the axes disappear, or are 1 with `keepsAxes`; a scalar without any.
  /// Counterpart: `torch.linalg.vector_norm`.
  ///
  /// - Throws: ``TensorError`` also unless the order is above 0.
  public func norm(_ order: Double = 2, axes: [Int] = [], keepsAxes: Bool = false) throws -> Tensor
  {
    guard order > 0 else { throw TensorError(op: "norm", "order \(order), expected above 0") }
    return try reduceRows("norm", DL_ROW_NORM, axes, keepsAxes, order)
  }

  /// `Σ (x - mean)² / (count - correction)`; not a number where that divides by 0.
  ///
  /// Shapes: the axes disappear, or are 1 with `keepsAxes`; a scalar without any. Counterpart:
  /// `torch.var`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func variance(axes: [Int] = [], correction: Double = 1, keepsAxes: Bool = false) throws
    -> Tensor
  {
    try reduceRows("variance", DL_ROW_VARIANCE, axes, keepsAxes, correction)
  }

  /// The root of the variance; the gradient at a deviation of 0 is 0.
  ///
  /// Shapes: the axes disappear, or are 1 with `keepsAxes`; a scalar without any. Counterpart:
  /// `torch.std`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func standardDeviation(
    axes: [Int] = [], correction: Double = 1, keepsAxes: Bool = false
  ) throws -> Tensor {
    try reduceRows("standard_deviation", DL_ROW_DEVIATION, axes, keepsAxes, correction)
  }

  /// Brings the axes to the back, where they are the rows of a matrix.
  private func reduceRows(
    _ op: String, _ kind: dl_row_reduction, _ axes: [Int], _ keepsAxes: Bool, _ alpha: Double = 0,
    takesEmpty: Bool = true
  ) throws -> Tensor {
    try requireReal(op: op)
    let rank = shape.rank
    let named = axes.isEmpty ? Set(0..<rank) : Set(axes.map { $0 < 0 ? $0 + rank : $0 })
    guard axes.isEmpty || named.count == axes.count, named.allSatisfy((0..<rank).contains) else {
      throw TensorError(op: op, "axes \(axes) of shape \(shape)")
    }
    let kept = (0..<rank).filter { !named.contains($0) }
    let order = kept + named.sorted()
    let x = order == Array(0..<rank) ? self : try permute(order)
    let keptShape = Shape(kept.map { shape[$0] })
    let columns = named.reduce(1) { $0 * shape[$1] }
    guard takesEmpty || columns > 0 || keptShape.count == 0 else {
      throw TensorError(op: op, "axes \(axes) of shape \(shape) have no elements")
    }
    let y = try x.reduceLast(kind, keptShape, columns, alpha)
    guard keepsAxes else { return y }
    return try y.reshape(Shape((0..<rank).map { named.contains($0) ? 1 : shape[$0] }))
  }

  private func reduceLast(
    _ kind: dl_row_reduction, _ keptShape: Shape, _ columns: Int, _ alpha: Double
  ) throws -> Tensor {
    let y = try Tensor.empty(keptShape, dtype: dtype, context: context)
    dl_reduce_rows(dtype.kernel, kind, alpha, pointer, y.count, columns, y.pointer)
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        dl_reduce_rows_backward(
          dtype.kernel, kind, alpha, pointer, y.pointer, dy.pointer, y.count, columns, dx,
          accumulate)
      }
    }
  }
}
