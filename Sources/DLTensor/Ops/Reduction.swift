import CKernels

extension Tensor {
  /// The sum of all elements; a scalar.
  public func sum() throws -> Tensor { try reduceAll("sum", scale: 1) }

  /// The mean of all elements; a scalar.
  ///
  /// - Throws: ``TensorError`` for a tensor without elements.
  public func mean() throws -> Tensor {
    guard count > 0 else { throw TensorError(op: "mean", "shape \(shape) has no elements") }
    return try reduceAll("mean", scale: 1 / Double(count))
  }

  /// The sum along one axis; negative axes count from the end.
  ///
  /// Shapes: `[a, n, b]` along axis 1 to `[a, b]`, or `[a, 1, b]` with `keepsAxis`.
  public func sum(axis: Int, keepsAxis: Bool = false) throws -> Tensor {
    try reduce("sum", axis: axis, keepsAxis: keepsAxis) { _ in 1 }
  }

  /// The mean along one axis; negative axes count from the end.
  public func mean(axis: Int, keepsAxis: Bool = false) throws -> Tensor {
    try reduce("mean", axis: axis, keepsAxis: keepsAxis) { 1 / Double($0) }
  }

  private func reduceAll(_ op: String, scale: Double) throws -> Tensor {
    try requireReal(op: op)
    let y = try Tensor.full(
      [], dl_sum(dtype.kernel, pointer, count) * scale, dtype: dtype, context: context)
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        dl_broadcast_axes(dtype.kernel, dy.pointer, 1, count, 1, scale, dx, accumulate)
      }
    }
  }

  private func reduce(_ op: String, axis: Int, keepsAxis: Bool, scale: (Int) -> Double) throws
    -> Tensor
  {
    try requireReal(op: op)
    let index = axis < 0 ? axis + shape.rank : axis
    guard index >= 0, index < shape.rank else {
      throw TensorError(op: op, "axis \(axis) of shape \(shape)")
    }
    let outer = shape.product(0..<index)
    let inner = shape.product(index + 1..<shape.rank)
    let extent = shape[index]
    let factor = scale(extent)
    var dimensions = shape.dimensions
    if keepsAxis { dimensions[index] = 1 } else { dimensions.remove(at: index) }
    let y = try Tensor.empty(Shape(dimensions), dtype: dtype, context: context)
    dl_sum_axes(dtype.kernel, pointer, outer, extent, inner, factor, y.pointer, 0)
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        dl_broadcast_axes(dtype.kernel, dy.pointer, outer, extent, inner, factor, dx, accumulate)
      }
    }
  }
}
