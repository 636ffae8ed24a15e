import CKernels

extension Tensor {
  /// Makes a mask: a uint8 tensor of 1 for true and 0 for false.
  ///
  /// Shapes: any, as given, or `[count]` of the values.
  ///
  /// - Throws: ``TensorError`` when the number of values is not the shape's.
  public static func mask(_ values: [Bool], shape: Shape? = nil, context: Context) throws -> Tensor
  {
    let result = try empty(shape ?? [values.count], dtype: .uint8, context: context)
    guard values.count == result.count else {
      throw TensorError(op: "mask", "shape \(result.shape) does not hold \(values.count) values")
    }
    for (index, value) in values.enumerated() { result.bytePointer[index] = value ? 1 : 0 }
    return result
  }

  /// `self` where `mask` is not 0, `other` elsewhere; the three shapes broadcast, as `[a, 1]`,
  /// `[b]` and `[a, b]` to `[a, b]`.
  ///
  /// The mask is uint8, as comparisons give it. Counterpart: `torch.where(mask, self, other)`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit.
  public func `where`(_ mask: Tensor, else other: Tensor) throws -> Tensor {
    try requireReal(op: "where")
    try mask.requireMask("where")
    guard dtype == other.dtype else {
      throw TensorError(op: "where", "operands are \(dtype) and \(other.dtype)")
    }
    guard let operands = Shape.broadcast(shape, other.shape),
      let result = Shape.broadcast(operands, mask.shape)
    else {
      throw TensorError(
        op: "where", "shapes \(shape), \(other.shape) and mask \(mask.shape) do not broadcast")
    }
    let y = try Tensor.selection(mask, self, other, result)
    if context.isDecomposing {
      let zero = try Tensor.zeros([], dtype: dtype, context: context)
      return context.record(
        y, Pullback(self) { [shape] in try $0.where(mask, else: zero).summed(to: shape) },
        Pullback(other) { try zero.where(mask, else: $0).summed(to: other.shape) })
    }
    return context.record(y, from: self, other) { [self] dy in
      let zero = try Tensor.zeros([], dtype: dtype, context: context)
      if requiresGradient {
        try addBroadcastGradient(Tensor.selection(mask, dy, zero, result))
      }
      if other.requiresGradient {
        try other.addBroadcastGradient(Tensor.selection(mask, zero, dy, result))
      }
    }
  }

  /// `value` where `mask` is not 0; the mask broadcasts to this tensor's shape.
  ///
  /// Shapes: any to the same. Counterpart: `torch.Tensor.masked_fill`.
  ///
  /// - Throws: ``TensorError`` for a mask that does not fit.
  public func maskedFill(_ mask: Tensor, _ value: Double) throws -> Tensor {
    try requireReal(op: "masked_fill")
    try mask.requireMask("masked_fill")
    guard Shape.broadcast(shape, mask.shape) == shape else {
      throw TensorError(
        op: "masked_fill", "mask \(mask.shape) does not broadcast to shape \(shape)")
    }
    let filling = try Tensor.full([], value, dtype: dtype, context: context)
    let y = try Tensor.selection(mask, filling, self, shape)
    if context.isDecomposing {
      return context.record(y, Pullback(self) { try $0.maskedFill(mask, 0) })
    }
    return context.record(y, from: self) { [self] dy in
      let zero = try Tensor.zeros([], dtype: dtype, context: context)
      try receiveGradient(Tensor.selection(mask, zero, dy, shape))
    }
  }

  private static func selection(_ mask: Tensor, _ a: Tensor, _ b: Tensor, _ shape: Shape) throws
    -> Tensor
  {
    let y = try Tensor.empty(shape, dtype: a.dtype, context: a.context)
    dl_where(
      a.dtype.kernel, shape.rank, shape.dimensions, mask.bytePointer,
      mask.shape.strides(broadcastTo: shape), a.pointer, a.shape.strides(broadcastTo: shape),
      b.pointer, b.shape.strides(broadcastTo: shape), y.pointer)
    return y
  }

  var bytePointer: UnsafeMutablePointer<UInt8> { pointer.assumingMemoryBound(to: UInt8.self) }

  func requireMask(_ op: String) throws {
    guard dtype == .uint8 else {
      throw TensorError(op: op, "needs a uint8 mask, got \(dtype) \(shape)")
    }
  }
}

extension Shape {
  /// Element strides under which this shape repeats over `shape`, 0 along repeated axes.
  func strides(broadcastTo shape: Shape) -> [Int] {
    var result = [Int](repeating: 0, count: shape.rank)
    var stride = 1
    for back in 1..<(rank + 1) {
      let extent = self[-back]
      result[shape.rank - back] = extent == 1 ? 0 : stride
      stride *= extent
    }
    return result
  }
}
