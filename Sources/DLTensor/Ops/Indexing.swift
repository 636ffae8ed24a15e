import CKernels

extension Tensor {
  /// The named positions of an axis, in the order named.
  ///
  /// Shapes: `[a, n, b]`, index int32 `[k]`, along axis 1 to `[a, k, b]`. Any element type.
  /// Counterpart: `torch.index_select`.
  ///
  /// - Throws: ``TensorError`` for an index outside the axis.
  public func indexSelect(_ axis: Int, _ index: Tensor) throws -> Tensor {
    let view = try around("index_select", axis: axis)
    try index.requireIndex("index_select")
    guard index.shape.rank <= 1 else {
      throw TensorError(op: "index_select", "index has shape \(index.shape), expected [count]")
    }
    if LinearOperator.isWanted(self) {
      let inputs = shape
      return try LinearOperator(op: "indexSelect", of: { try $0.indexSelect(view.axis, index) }) {
        dy in
        let dx = try Tensor.zeros(inputs, dtype: dy.dtype, context: dy.context)
        _ = dl_index_add(
          dy.dtype.kernel, dy.pointer, view.outer, view.extent, view.inner, index.int32s,
          index.count, dx.pointer)
        return dx
      }(self)
    }
    let y = try resized(view.axis, index.count)
    let wrong = dl_index_select(
      dtype.byteCount, pointer, view.outer, view.extent, view.inner, index.int32s, index.count,
      y.pointer)
    try requireInside("index_select", index, wrong, axis: view.axis)
    return context.record(y, from: self) { [self] dy in
      try accumulateGradient { dx in
        _ = dl_index_add(
          dtype.kernel, dy.pointer, view.outer, view.extent, view.inner, index.int32s,
          index.count, dx)
      }
    }
  }

  /// A copy to which `source[:, k, :]` is added at position `index[k]` of an axis, in the order
  /// of k.
  ///
  /// Shapes: `[a, n, b]`, index int32 `[k]`, source `[a, k, b]`. Counterpart: `torch.index_add`.
  ///
  /// - Throws: ``TensorError`` for an index outside the axis or shapes that do not fit.
  public func indexAdd(_ axis: Int, _ index: Tensor, _ source: Tensor) throws -> Tensor {
    try requireReal(op: "index_add")
    let view = try around("index_add", axis: axis)
    try index.requireIndex("index_add")
    var expected = shape
    expected[view.axis] = index.count
    guard index.shape.rank <= 1, source.shape == expected, source.dtype == dtype else {
      throw TensorError(
        op: "index_add",
        "\(dtype) \(shape) and index \(index.shape) expect a source \(expected), got "
          + "\(source.dtype) \(source.shape)")
    }
    let y = try copied()
    let wrong = dl_index_add(
      dtype.kernel, source.pointer, view.outer, view.extent, view.inner, index.int32s, index.count,
      y.pointer)
    try requireInside("index_add", index, wrong, axis: view.axis)
    if context.isDecomposing {
      return context.record(
        y, Pullback(self) { $0 }, Pullback(source) { try $0.indexSelect(view.axis, index) })
    }
    return context.record(y, from: self, source) { [self] dy in
      if source.requiresGradient {
        try source.receiveGradient(dy.indexSelect(view.axis, index))
      }
      try receiveGradient(dy)
    }
  }

  /// For each index the element at that position of an axis, the other positions being its own.
  ///
  /// On axis 1: `y[i, j, k] = x[i, index[i, j, k], k]`. Shapes: index int32 with as many axes as x,
  /// none longer but the one in question; y has the index's. Counterpart: `torch.gather`.
  ///
  /// - Throws: ``TensorError`` for an index outside the axis or shapes that do not fit.
  public func gather(_ axis: Int, _ index: Tensor) throws -> Tensor {
    try requireReal(op: "gather")
    let view = try requireAlong("gather", axis, index)
    let y = try Tensor.empty(index.shape, dtype: dtype, context: context)
    let (extents, indexExtents) = (shape.dimensions, index.shape.dimensions)
    let wrong = dl_gather(
      dtype.kernel, shape.rank, extents, indexExtents, view.axis, pointer, index.int32s, y.pointer,
      0)
    try requireInside("gather", index, wrong, axis: view.axis)
    if context.isDecomposing {
      return context.record(
        y,
        Pullback(self) { [shape] dy in
          let zeros = try Tensor.zeros(shape, dtype: dy.dtype, context: dy.context)
          return try zeros.scatterAdd(view.axis, index, dy)
        })
    }
    return context.record(y, from: self) { [self] dy in
      try accumulateGradient { dx in
        _ = dl_scatter_add(
          dtype.kernel, shape.rank, extents, indexExtents, view.axis, dy.pointer, index.int32s, dx)
      }
    }
  }

  /// A copy to which each element of `source` is added at its index on an axis, in row-major order.
  ///
  /// On axis 1: `y[i, index[i, j, k], k] += source[i, j, k]`. Shapes: index and source are equal,
  /// with as many axes as x, none longer but the one in question. Counterpart:
  /// `torch.scatter_add`.
  ///
  /// - Throws: ``TensorError`` for an index outside the axis or shapes that do not fit.
  public func scatterAdd(_ axis: Int, _ index: Tensor, _ source: Tensor) throws -> Tensor {
    try requireReal(op: "scatter_add")
    let view = try requireAlong("scatter_add", axis, index)
    guard source.shape == index.shape, source.dtype == dtype else {
      throw TensorError(
        op: "scatter_add",
        "index has shape \(index.shape), source \(source.dtype) \(source.shape)")
    }
    let y = try copied()
    let wrong = dl_scatter_add(
      dtype.kernel, shape.rank, shape.dimensions, index.shape.dimensions, view.axis,
      source.pointer, index.int32s, y.pointer)
    try requireInside("scatter_add", index, wrong, axis: view.axis)
    if context.isDecomposing {
      return context.record(
        y, Pullback(self) { $0 }, Pullback(source) { try $0.gather(view.axis, index) })
    }
    return context.record(y, from: self, source) { [self] dy in
      try source.addGradient { dsource, accumulate in
        _ = dl_gather(
          dtype.kernel, shape.rank, shape.dimensions, index.shape.dimensions, view.axis, dy.pointer,
          index.int32s, dsource, accumulate)
      }
      try receiveGradient(dy)
    }
  }

  /// The same elements in memory of their own, not recorded.
  func copied() throws -> Tensor {
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    y.pointer.copyMemory(from: pointer, byteCount: byteCount)
    return y
  }

  private func requireAlong(_ op: String, _ axis: Int, _ index: Tensor) throws -> AxisView {
    let view = try around(op, axis: axis)
    try index.requireIndex(op)
    let fits =
      index.shape.rank == shape.rank
      && (0..<shape.rank).allSatisfy { $0 == view.axis || index.shape[$0] <= shape[$0] }
    guard fits else {
      throw TensorError(
        op: op,
        "input has shape \(shape), index \(index.shape), which does not fit off axis \(axis)")
    }
    return view
  }
}
