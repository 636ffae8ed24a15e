/// A linear map and its transpose, each of which is the other's gradient, so that both can be
/// differentiated any number of times.
struct LinearOperator {
  /// The Swift name of the op, for errors.
  let op: StaticString
  /// The map, not recorded.
  let map: (Tensor) throws -> Tensor
  /// The transposed map, not recorded.
  let transposedMap: (Tensor) throws -> Tensor

  init(
    op: StaticString, map: @escaping (Tensor) throws -> Tensor,
    transposedMap: @escaping (Tensor) throws -> Tensor
  ) {
    self.op = op
    self.map = map
    self.transposedMap = transposedMap
  }

  /// The map of a tensor, recorded.
  func callAsFunction(_ x: Tensor) throws -> Tensor {
    x.context.record(try map(x), op: op, Pullback(x) { try transposed($0) })
  }

  private var transposed: LinearOperator {
    LinearOperator(op: op, map: transposedMap, transposedMap: map)
  }

  /// Returns whether an op is to run as a linear operator, and not as its kernel alone: what the
  /// operator itself calls is not recorded.
  static func isWanted(_ x: Tensor) -> Bool {
    x.context.isDecomposing && x.context.isRecording && x.requiresGradient
  }

  /// The map and its transpose from ops, which are called without recording.
  init(
    op: StaticString, of ops: @escaping (Tensor) throws -> Tensor,
    transposedMap: @escaping (Tensor) throws -> Tensor
  ) {
    self.op = op
    map = { x in try x.context.withoutRecording { try ops(x) } }
    self.transposedMap = transposedMap
  }
}

extension Tensor {
  /// A linear map that one kernel computes and another transposes; can be differentiated any number
  /// of times where gradients are to be.
  ///
  /// - Parameters:
  ///   - result: the shape of the map's results.
  ///   - map: writes the map of x, all of it.
  ///   - transposed: writes the transposed map of a gradient, or adds it where `accumulate` is 1.
  func linearMap(
    op: StaticString = #function, to result: Shape,
    _ map: @escaping (_ x: Tensor, _ y: UnsafeMutableRawPointer) -> Void,
    transposed: @escaping (_ dy: Tensor, _ dx: UnsafeMutableRawPointer, _ accumulate: Int32) -> Void
  ) throws -> Tensor {
    if LinearOperator.isWanted(self) {
      let inputs = shape
      return try LinearOperator(
        op: op, map: { x in try x.filled(result) { map(x, $0) } },
        transposedMap: { dy in try dy.filled(inputs) { transposed(dy, $0, 0) } })(self)
    }
    return context.record(try filled(result) { map(self, $0) }, from: self, op: op) { [self] dy in
      try addGradient { dx, accumulate in transposed(dy, dx, accumulate) }
    }
  }

  /// A tensor of another shape that a kernel fills.
  func filled(_ shape: Shape, _ fill: (UnsafeMutableRawPointer) throws -> Void) throws -> Tensor {
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    try fill(y.pointer)
    return y
  }
}
