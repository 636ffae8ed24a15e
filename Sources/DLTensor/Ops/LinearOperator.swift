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
