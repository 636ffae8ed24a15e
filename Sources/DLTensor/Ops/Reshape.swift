import CKernels

extension Tensor {
  /// The same elements, in the same order, under another shape.
  ///
  /// Shapes: any to `shape`, which has as many elements.
  ///
  /// - Throws: ``TensorError`` when the counts differ.
  public func reshape(_ shape: Shape) throws -> Tensor {
    guard shape.count == count else {
      throw TensorError(
        op: "reshape", "\(self.shape) has \(count) elements, \(shape) \(shape.count)")
    }
    let y = view(shape)
    if context.isDecomposing {
      return context.record(y, Pullback(self) { [self] in try $0.reshape(self.shape) })
    }
    return context.record(y, from: self) { [self] dy in try receiveGradient(dy) }
  }

  /// All axes but the first in one; images in channel, height, width order, as PyTorch's are.
  ///
  /// Shapes: `[batch, height, width, channels]` to `[batch, channels · height · width]`, and with
  /// `channelsFirst` `[batch, length, channels]` to `[batch, channels · length]`; all others stay
  /// as they lie.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func flatten(channelsFirst: Bool = false) throws -> Tensor {
    guard shape.rank >= 1 else { throw TensorError(op: "flatten", "a scalar has no batch axis") }
    let flat: Shape = [shape[0], shape.product(1..<shape.rank)]
    guard shape.rank == 4 || shape.rank == 3 && channelsFirst, shape.last > 1,
      shape.product(1..<shape.rank - 1) > 1
    else { return try reshape(flat) }
    let axes = [0, shape.rank - 1] + (1..<shape.rank - 1)
    return try permute(axes).reshape(flat)
  }

  /// The axes in another order: axis i of the result is axis `axes[i]` of this tensor.
  ///
  /// Shapes: `[a, b, c]` by axes 2, 0, 1 to `[c, a, b]`.
  ///
  /// - Throws: ``TensorError`` unless `axes` names every axis once.
  public func permute(_ axes: Int...) throws -> Tensor { try permute(axes) }

  /// The axes in another order: axis i of the result is axis `axes[i]` of this tensor.
  ///
  /// Shapes: `[a, b, c]` by axes 2, 0, 1 to `[c, a, b]`.
  ///
  /// - Throws: ``TensorError`` unless `axes` names every axis once.
  public func permute(_ axes: [Int]) throws -> Tensor {
    try requireReal(op: "permute")
    guard axes.sorted() == Array(0..<shape.rank) else {
      throw TensorError(op: "permute", "\(axes) does not name every axis of \(shape) once")
    }
    let y = try Tensor.empty(Shape(axes.map { shape[$0] }), dtype: dtype, context: context)
    dl_permute(dtype.kernel, shape.rank, shape.dimensions, axes, pointer, y.pointer, 0)
    if context.isDecomposing {
      return context.record(y, Pullback(self) { try $0.permute(inversePermutation(axes)) })
    }
    return context.record(y, from: self) { [self] dy in
      let inverse = inversePermutation(axes)
      try addGradient { dx, accumulate in
        dl_permute(
          dtype.kernel, y.shape.rank, y.shape.dimensions, inverse, dy.pointer, dx, accumulate)
      }
    }
  }
}

private func inversePermutation(_ axes: [Int]) -> [Int] {
  var inverse = axes
  for (position, axis) in axes.enumerated() { inverse[axis] = position }
  return inverse
}
