import CKernels

extension Tensor {
  /// The elementwise sum; shapes broadcast by NumPy's rules, as `[a, 1]` and `[b]` to `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func + (a: Tensor, b: Tensor) throws -> Tensor {
    let (a, b) = try promoted(a, b)
    let y = try binary("add", DL_ADD, a, b)
    if y.context.isDecomposing {
      return y.context.record(
        y, Pullback(a) { try $0.summed(to: a.shape) }, Pullback(b) { try $0.summed(to: b.shape) })
    }
    return y.context.record(y, from: a, b) { dy in
      if a.shape == y.shape, a.requiresGradient {
        try b.addBroadcastGradient(dy)
        try a.receiveGradient(dy)
      } else {
        try a.addBroadcastGradient(dy)
        try b.addBroadcastGradient(dy)
      }
    }
  }

  /// The elementwise difference; shapes broadcast by NumPy's rules, as `[a, 1]` and `[b]` to
  /// `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func - (a: Tensor, b: Tensor) throws -> Tensor {
    let (a, b) = try promoted(a, b)
    let y = try binary("sub", DL_SUB, a, b)
    if y.context.isDecomposing {
      return y.context.record(
        y, Pullback(a) { try $0.summed(to: a.shape) }, Pullback(b) { try (-$0).summed(to: b.shape) }
      )
    }
    return y.context.record(y, from: a, b) { dy in
      try a.addBroadcastGradient(dy)
      if b.requiresGradient { try b.addBroadcastGradient(dy.timesConstant(-1)) }
    }
  }

  /// The elementwise product; shapes broadcast by NumPy's rules, as `[a, 1]` and `[b]` to `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func * (a: Tensor, b: Tensor) throws -> Tensor {
    let (a, b) = try promoted(a, b)
    let y = try binary("mul", DL_MUL, a, b)
    if y.context.isDecomposing {
      return y.context.record(
        y, Pullback(a) { try ($0 * b).summed(to: a.shape) },
        Pullback(b) { try ($0 * a).summed(to: b.shape) })
    }
    return y.context.record(y, from: a, b) { dy in
      if a.requiresGradient { try a.addBroadcastGradient(binary("mul", DL_MUL, dy, b)) }
      if b.requiresGradient { try b.addBroadcastGradient(binary("mul", DL_MUL, dy, a)) }
    }
  }

  /// The elementwise quotient; shapes broadcast by NumPy's rules, as `[a, 1]` and `[b]` to
  /// `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func / (a: Tensor, b: Tensor) throws -> Tensor {
    let (a, b) = try promoted(a, b)
    let y = try binary("div", DL_DIV, a, b)
    if y.context.isDecomposing {
      return y.context.record(
        y, Pullback(a) { try ($0 / b).summed(to: a.shape) },
        Pullback(b) { try (-$0 * y / b).summed(to: b.shape) })
    }
    return y.context.record(y, from: a, b) { dy in
      let scaled = try binary("div", DL_DIV, dy, b)
      if b.requiresGradient {
        try b.addBroadcastGradient(binary("mul", DL_MUL, scaled, y).timesConstant(-1))
      }
      try a.addBroadcastGradient(scaled)
    }
  }

  /// Every element times a number.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func * (a: Tensor, factor: Double) throws -> Tensor {
    try a.requireReal(op: "mul")
    let y = try a.timesConstant(factor)
    if y.context.isDecomposing {
      return y.context.record(y, Pullback(a) { try $0 * factor })
    }
    return y.context.record(y, from: a) { dy in
      try a.addGradient { da, accumulate in
        dl_scale(a.dtype.kernel, factor, dy.pointer, da, a.count, accumulate)
      }
    }
  }

  /// Adds 1 to every element of an int64 counter.
  ///
  /// - Throws: ``TensorError`` for another type than int64.
  package func increment() throws {
    guard dtype == .int64 else { throw TensorError(op: "increment", "needs int64, got \(dtype)") }
    let elements = pointer.assumingMemoryBound(to: Int64.self)
    for index in 0..<count { elements[index] &+= 1 }
  }

  private func timesConstant(_ factor: Double) throws -> Tensor {
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_scale(dtype.kernel, factor, pointer, y.pointer, count, 0)
    return y
  }

  static func binary(_ name: String, _ op: dl_binary, _ a: Tensor, _ b: Tensor) throws
    -> Tensor
  {
    try a.requireReal(op: name)
    guard a.dtype == b.dtype else {
      throw TensorError(op: name, "operands are \(a.dtype) and \(b.dtype)")
    }
    guard let shape = Shape.broadcast(a.shape, b.shape) else {
      throw TensorError(op: name, "shapes \(a.shape) and \(b.shape) do not broadcast")
    }
    let y = try Tensor.empty(shape, dtype: a.dtype, context: a.context)
    let plan = BroadcastPlan(shape)
    plan.withStrides(of: a.shape, b.shape) { rank, extents, stridesA, stridesB in
      dl_binary_forward(
        a.dtype.kernel, op, rank, extents, a.pointer, stridesA, b.pointer, stridesB, y.pointer)
    }
    return y
  }

  /// Adds a gradient of the broadcast shape, summed over the axes along which this tensor was
  /// repeated.
  func addBroadcastGradient(_ dy: Tensor) throws {
    guard requiresGradient else { return }
    try addGradient { target, accumulate in
      BroadcastPlan(dy.shape).withStrides(of: shape, shape) { rank, extents, strides, _ in
        dl_reduce_to(
          dtype.kernel, rank, extents, dy.pointer, strides, target, accumulate)
      }
    }
  }
}

/// Extents and element strides of operands that broadcast to a shape; a stride of 0 repeats an
/// axis.
struct BroadcastPlan {
  let shape: Shape

  init(_ shape: Shape) { self.shape = shape }

  func withStrides(
    of a: Shape, _ b: Shape,
    _ body: (Int, UnsafePointer<Int>, UnsafePointer<Int>, UnsafePointer<Int>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Int.self, capacity: 3 * Shape.maximumRank) { buffer in
      guard let base = buffer.baseAddress else { return }
      let stridesA = base + Shape.maximumRank
      let stridesB = base + 2 * Shape.maximumRank
      for axis in 0..<shape.rank { base[axis] = shape[axis] }
      fill(stridesA, a)
      fill(stridesB, b)
      body(shape.rank, base, stridesA, stridesB)
    }
  }

  private func fill(_ strides: UnsafeMutablePointer<Int>, _ operand: Shape) {
    var stride = 1
    for back in 1..<(shape.rank + 1) {
      let extent = back <= operand.rank ? operand[-back] : 1
      strides[shape.rank - back] = extent == 1 ? 0 : stride
      stride *= extent
    }
  }
}
