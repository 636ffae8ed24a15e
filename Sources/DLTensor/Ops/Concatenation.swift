import CKernels

extension Tensor {
  /// Tensors one behind the other along an axis; the other extents are equal.
  ///
  /// Shapes: `[a, n, b]` and `[a, m, b]` along axis 1 to `[a, n + m, b]`. Any element type.
  /// Counterpart: `torch.cat`.
  ///
  /// - Throws: ``TensorError`` for no tensors, or shapes or types that do not fit.
  public static func concat(_ tensors: [Tensor], axis: Int = 0) throws -> Tensor {
    guard let first = tensors.first else { throw TensorError(op: "concat", "no tensors") }
    let view = try first.around("concat", axis: axis)
    var length = 0
    for tensor in tensors {
      var expected = first.shape
      guard tensor.shape.rank == expected.rank, tensor.dtype == first.dtype else {
        throw mismatch("concat", first, tensor, axis)
      }
      expected[view.axis] = tensor.shape[view.axis]
      guard expected == tensor.shape else { throw mismatch("concat", first, tensor, axis) }
      let (sum, overflow) = length.addingReportingOverflow(tensor.shape[view.axis])
      length = overflow ? Int.max : sum
    }
    let y = try first.resized(view.axis, length)
    var start = 0
    for tensor in tensors {
      let extent = tensor.shape[view.axis]
      dl_concat_forward(
        y.dtype.byteCount, tensor.pointer, view.outer, extent, view.inner, start, length, y.pointer)
      start += extent
    }
    if y.context.isDecomposing {
      start = 0
      return y.context.record(
        y, op: "concat",
        tensors.map { tensor in
          defer { start += tensor.shape[view.axis] }
          return Pullback(tensor) { [start] in
            try $0.narrow(view.axis, start: start, length: tensor.shape[view.axis])
          }
        })
    }
    return y.context.record(y, fromAny: tensors) { dy in
      var start = 0
      for tensor in tensors {
        let extent = tensor.shape[view.axis]
        try tensor.addGradient { dx, accumulate in
          dl_concat_backward(
            y.dtype.kernel, dy.pointer, view.outer, extent, view.inner, start, length, dx,
            accumulate)
        }
        start += extent
      }
    }
  }

  /// Tensors of one shape along a new axis.
  ///
  /// Shapes: k of `[a, b]` on axis 1 to `[a, k, b]`. Counterpart: `torch.stack`.
  ///
  /// - Throws: ``TensorError`` for no tensors, or shapes or types that differ.
  public static func stack(_ tensors: [Tensor], axis: Int = 0) throws -> Tensor {
    guard let first = tensors.first else { throw TensorError(op: "stack", "no tensors") }
    for tensor in tensors where tensor.shape != first.shape || tensor.dtype != first.dtype {
      throw mismatch("stack", first, tensor, axis)
    }
    let resolved = axis < 0 ? axis + first.shape.rank + 1 : axis
    guard (0...first.shape.rank).contains(resolved) else {
      throw TensorError(op: "stack", "axis \(axis) of shape \(first.shape)")
    }
    return try concat(tensors.map { try $0.unsqueeze(resolved) }, axis: resolved)
  }

  /// The tensor with a new axis of extent 1.
  ///
  /// Shapes: `[a, b]` on axis 1 to `[a, 1, b]`. Counterpart: `torch.unsqueeze`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func unsqueeze(_ axis: Int) throws -> Tensor {
    let resolved = axis < 0 ? axis + shape.rank + 1 : axis
    guard (0...shape.rank).contains(resolved), shape.rank < Shape.maximumRank else {
      throw TensorError(op: "unsqueeze", "axis \(axis) of shape \(shape)")
    }
    var extents = shape.dimensions
    extents.insert(1, at: resolved)
    return try reshape(Shape(extents))
  }

  /// The tensor without an axis, whose extent is 1.
  ///
  /// Shapes: `[a, 1, b]` on axis 1 to `[a, b]`. Counterpart: `torch.squeeze`, which leaves other
  /// axes as they are; here they are an error.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func squeeze(_ axis: Int) throws -> Tensor {
    let view = try around("squeeze", axis: axis)
    guard view.extent == 1 else {
      throw TensorError(op: "squeeze", "axis \(axis) of shape \(shape) is not 1")
    }
    var extents = shape.dimensions
    extents.remove(at: view.axis)
    return try reshape(Shape(extents))
  }

  private static func mismatch(_ op: String, _ a: Tensor, _ b: Tensor, _ axis: Int) -> TensorError {
    TensorError(
      op: op, "\(a.dtype) \(a.shape) and \(b.dtype) \(b.shape) do not fit along axis \(axis)")
  }
}
