/// A shape seen around one axis: `[outer, extent, inner]`.
struct AxisView {
  let axis: Int
  let outer: Int
  let extent: Int
  let inner: Int
}

extension Tensor {
  /// The shape around an axis; negative axes count from the end.
  ///
  /// - Throws: ``TensorError`` for an axis that the shape has not.
  func around(_ op: String, axis: Int) throws -> AxisView {
    let resolved = axis < 0 ? axis + shape.rank : axis
    guard (0..<shape.rank).contains(resolved) else {
      throw TensorError(op: op, "axis \(axis) of shape \(shape)")
    }
    return AxisView(
      axis: resolved, outer: shape.product(0..<resolved), extent: shape[resolved],
      inner: shape.product(resolved + 1..<shape.rank))
  }

  /// An empty tensor of this type whose shape differs in the extent of one axis.
  func resized(_ axis: Int, _ extent: Int) throws -> Tensor {
    var result = shape
    result[axis] = extent
    return try Tensor.empty(result, dtype: dtype, context: context)
  }

  /// - Throws: ``TensorError`` unless the tensor is int32.
  func requireIndex(_ op: String) throws {
    guard dtype == .int32 else {
      throw TensorError(op: op, "needs int32 indices, got \(dtype) \(shape)")
    }
  }

  /// - Throws: ``TensorError`` that names index `wrong` of `index`, unless that is -1.
  func requireInside(_ op: String, _ index: Tensor, _ wrong: Int, axis: Int) throws {
    guard wrong >= 0 else { return }
    throw TensorError(
      op: op,
      "index \(index.int32s[wrong]) at position \(wrong) is not in 0 ..< \(shape[axis]), the "
        + "extent of axis \(axis) of \(shape)", exitCode: .data)
  }
}
