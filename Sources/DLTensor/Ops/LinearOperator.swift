/// A linear map and its transpose, each of which is the other's gradient, so that both can be
/// differentiated any number of times.
struct LinearOperator {
  /// The Swift name of the op, for errors.
  let op: StaticString
  /// The map, not recorded.
  let map: (Tensor) throws -> Tensor
  /// The transposed map, not recorded.
  let transposedMap: (Tensor) throws -> Tensor

  /// The map of a tensor, recorded.
  func callAsFunction(_ x: Tensor) throws -> Tensor {
    x.context.record(try map(x), op: op, Pullback(x) { try transposed($0) })
  }

  private var transposed: LinearOperator {
    LinearOperator(op: op, map: transposedMap, transposedMap: map)
  }
}
