import CKernels

extension Tensor {
  /// The positions `start ..< start + length` of an axis, copied.
  ///
  /// Shapes: the axis has `length` positions.
  /// Any element type. Counterpart: `torch.narrow`.
  ///
  /// - Throws: ``TensorError`` for positions outside the axis.
  public func narrow(_ axis: Int, start: Int, length: Int) throws -> Tensor {
    let view = try around("narrow", axis: axis)
    guard start >= 0, length >= 0, start <= view.extent, length <= view.extent - start else {
      throw TensorError(
        op: "narrow", "\(length) positions from \(start) on axis \(axis) of shape \(shape)")
    }
    return try sliced(view, start: start, step: 1, length: length)
  }

  /// Every `step`-th position of a range of an axis, by Python's rules: negative positions count
  /// from the end, what lies outside is cut off.
  ///
  /// Shapes: `[a, n, b]` along axis 1 to `[a, k, b]`, k being how many positions there are.
  /// Counterpart: `x[..., start:end:step, ...]`; `end` nil is the end.
  ///
  /// - Throws: ``TensorError`` for an axis that is not there or a step below 1.
  public func slice(_ axis: Int, from start: Int = 0, to end: Int? = nil, step: Int = 1) throws
    -> Tensor
  {
    let view = try around("slice", axis: axis)
    guard step >= 1 else { throw TensorError(op: "slice", "step \(step), expected 1 or more") }
    func clamped(_ position: Int) -> Int {
      min(max(position < 0 ? position + view.extent : position, 0), view.extent)
    }
    let (low, high) = (clamped(start), clamped(end ?? view.extent))
    let length = high > low ? (high - low - 1) / step + 1 : 0
    return try sliced(view, start: low, step: length > 1 ? step : 1, length: length)
  }

  /// One position of an axis, which disappears.
  ///
  /// Shapes: `[a, n, b]` on axis 1 to `[a, b]`. Counterpart: `torch.select`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func select(_ axis: Int, _ position: Int) throws -> Tensor {
    let view = try around("select", axis: axis)
    let start = position < 0 ? position + view.extent : position
    guard (0..<view.extent).contains(start) else {
      throw TensorError(op: "select", "position \(position) on axis \(axis) of shape \(shape)")
    }
    return try sliced(view, start: start, step: 1, length: 1).squeeze(view.axis)
  }

  /// Consecutive pieces of an axis of the given lengths.
  ///
  /// Shapes: the axis has the positions of each length.
  /// Counterpart: `torch.split`.
  ///
  /// - Throws: ``TensorError`` unless the lengths add up to the axis.
  public func split(_ lengths: [Int], axis: Int = 0) throws -> [Tensor] {
    let view = try around("split", axis: axis)
    var rest = view.extent
    for length in lengths {
      guard length >= 0, length <= rest else { throw unfit(lengths, axis) }
      rest -= length
    }
    guard rest == 0 else { throw unfit(lengths, axis) }
    var start = 0
    return try lengths.map { length in
      defer { start += length }
      return try sliced(view, start: start, step: 1, length: length)
    }
  }

  /// At most `count` consecutive pieces of an axis, all but the last of one length.
  ///
  /// Shapes: the axis has a `count`-th of its positions.
  /// Counterpart: `torch.chunk`.
  ///
  /// - Throws: ``TensorError`` for a count below 1.
  public func chunk(_ count: Int, axis: Int = 0) throws -> [Tensor] {
    let view = try around("chunk", axis: axis)
    guard count >= 1 else { throw TensorError(op: "chunk", "\(count) pieces of shape \(shape)") }
    let length = max((view.extent + count - 1) / count, 1)
    var lengths = [Int](repeating: length, count: view.extent / length)
    if view.extent % length > 0 || lengths.isEmpty { lengths.append(view.extent % length) }
    return try split(lengths, axis: axis)
  }

  private func sliced(_ view: AxisView, start: Int, step: Int, length: Int) throws -> Tensor {
    if LinearOperator.isWanted(self) {
      let inputs = shape
      return try LinearOperator(
        op: "slice", of: { try $0.sliced(view, start: start, step: step, length: length) }
      ) { dy in
        let dx = try Tensor.zeros(inputs, dtype: dy.dtype, context: dy.context)
        dl_slice_backward(
          dy.dtype.kernel, dy.pointer, view.outer, view.extent, view.inner, start, step, length,
          dx.pointer)
        return dx
      }(self)
    }
    let y = try resized(view.axis, length)
    dl_slice_forward(
      dtype.byteCount, pointer, view.outer, view.extent, view.inner, start, step, length, y.pointer)
    return context.record(y, from: self) { [self] dy in
      try accumulateGradient { dx in
        dl_slice_backward(
          dtype.kernel, dy.pointer, view.outer, view.extent, view.inner, start, step, length, dx)
      }
    }
  }

  private func unfit(_ lengths: [Int], _ axis: Int) -> TensorError {
    TensorError(op: "split", "lengths \(lengths) do not add up to axis \(axis) of shape \(shape)")
  }
}
