import CKernels

extension Tensor {
  /// The sum of all elements; a scalar.
  ///
  /// Shapes: any to a scalar, `[]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func sum() throws -> Tensor { try reduceAll("sum", scale: 1) }

  /// The mean of all elements; a scalar.
  ///
  /// Shapes: any to a scalar, `[]`.
  ///
  /// - Throws: ``TensorError`` for a tensor without elements.
  public func mean() throws -> Tensor {
    guard count > 0 else { throw TensorError(op: "mean", "shape \(shape) has no elements") }
    return try reduceAll("mean", scale: 1 / Double(count))
  }

  /// The sum along one axis; negative axes count from the end.
  ///
  /// Shapes: `[a, n, b]` along axis 1 to `[a, b]`, or `[a, 1, b]` with `keepsAxis`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func sum(axis: Int, keepsAxis: Bool = false) throws -> Tensor {
    try sum(axes: [axis], keepsAxes: keepsAxis)
  }

  /// The mean along one axis; negative axes count from the end.
  ///
  /// Shapes: `[a, n, b]` along axis 1 to `[a, b]`, or `[a, 1, b]` with `keepsAxis`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func mean(axis: Int, keepsAxis: Bool = false) throws -> Tensor {
    try mean(axes: [axis], keepsAxes: keepsAxis)
  }

  /// The sum along several axes, all of them for an empty list; negative axes count from the end.
  ///
  /// Shapes: `[a, n, m, b]` along axes 1 and 2 to `[a, b]`, or `[a, 1, 1, b]` with `keepsAxes`.
  /// Counterpart: `torch.sum(dim=(...), keepdim=...)`.
  ///
  /// - Throws: ``TensorError`` for an axis that the shape has not, or that is named twice.
  public func sum(axes: [Int], keepsAxes: Bool = false) throws -> Tensor {
    try reduce("sum", axes: axes, keepsAxes: keepsAxes) { _ in 1 }
  }

  /// The mean along several axes, all of them for an empty list; negative axes count from the end.
  ///
  /// Shapes: `[a, n, m, b]` along axes 1 and 2 to `[a, b]`, or `[a, 1, 1, b]` with `keepsAxes`.
  /// Counterpart: `torch.mean(dim=(...), keepdim=...)`; over no elements it is not a number.
  ///
  /// - Throws: ``TensorError`` for an axis that the shape has not, or that is named twice.
  public func mean(axes: [Int], keepsAxes: Bool = false) throws -> Tensor {
    try reduce("mean", axes: axes, keepsAxes: keepsAxes) { 1 / Double($0) }
  }

  private func reduceAll(_ op: StaticString, scale: Double) throws -> Tensor {
    try requireReal(op: "\(op)")
    let y = try Tensor.full(
      [], dl_sum(dtype.kernel, pointer, count) * scale, dtype: dtype, context: context)
    if context.isDecomposing {
      return context.record(
        y, op: op, Pullback(self) { [shape] in try ($0 * scale).expanded(to: shape) })
    }
    return context.record(y, from: self, op: op) { [self] dy in
      try addGradient { dx, accumulate in
        dl_broadcast_axes(dtype.kernel, dy.pointer, 1, count, 1, scale, dx, accumulate)
      }
    }
  }

  private func reduce(_ op: String, axes: [Int], keepsAxes: Bool, scale: (Int) -> Double) throws
    -> Tensor
  {
    try requireReal(op: op)
    let rank = shape.rank
    let named = axes.isEmpty ? Set(0..<rank) : Set(axes.map { $0 < 0 ? $0 + rank : $0 })
    guard axes.isEmpty || named.count == axes.count, named.allSatisfy((0..<rank).contains) else {
      throw TensorError(op: op, "axes \(axes) of shape \(shape)")
    }
    var result = self
    var end = rank
    while end > 0 {
      var start = end
      while start > 0, named.contains(start - 1) { start -= 1 }
      if start < end { result = try result.reduceRun(start..<end, scale: scale) }
      end = start - 1
    }
    if keepsAxes { return result }
    return try result.reshape(Shape((0..<rank).filter { !named.contains($0) }.map { shape[$0] }))
  }

  /// Reduces neighboring axes, each to an extent of 1.
  private func reduceRun(_ axes: Range<Int>, scale: (Int) -> Double) throws -> Tensor {
    let outer = shape.product(0..<axes.lowerBound)
    let extent = shape.product(axes)
    let inner = shape.product(axes.upperBound..<shape.rank)
    let factor = scale(extent)
    var resultShape = shape
    for axis in axes { resultShape[axis] = 1 }
    let y = try Tensor.empty(resultShape, dtype: dtype, context: context)
    dl_sum_axes(dtype.kernel, pointer, outer, extent, inner, factor, y.pointer, 0)
    if context.isDecomposing {
      return context.record(y, Pullback(self) { [shape] in try ($0 * factor).expanded(to: shape) })
    }
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        dl_broadcast_axes(dtype.kernel, dy.pointer, outer, extent, inner, factor, dx, accumulate)
      }
    }
  }
}
