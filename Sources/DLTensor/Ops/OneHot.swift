extension Tensor {
  /// Integers as vectors of zeros with a one at their place, in the context's precision.
  ///
  /// Shapes: int32 `[...]` to `[..., classes]`. Counterpart: `torch.nn.functional.one_hot`.
  ///
  /// - Throws: ``TensorError`` for another type, or an integer that is no class.
  public func oneHot(classes: Int) throws -> Tensor {
    guard dtype == .int32 else {
      throw TensorError(op: "one_hot", "input is \(dtype), expected int32 integers")
    }
    guard shape.rank < Shape.maximumRank, classes > 0 else {
      throw TensorError(
        op: "one_hot", "input has shape \(shape), which leaves no axis for \(classes) classes")
    }
    let y = try Tensor.zeros(
      Shape(shape.dimensions + [classes]), dtype: context.precision, context: context)
    let indices = int32s
    switch y.dtype {
    case .float64: try mark(indices, classes, y.pointer.assumingMemoryBound(to: Double.self))
    default: try mark(indices, classes, y.pointer.assumingMemoryBound(to: Float.self))
    }
    return y
  }

  /// One store for each integer; the zeros of its vector are there already.
  private func mark<Element: FloatingPoint>(
    _ indices: UnsafePointer<Int32>, _ classes: Int, _ y: UnsafeMutablePointer<Element>
  ) throws {
    for row in 0..<count {
      let index = Int(indices[row])
      guard index >= 0, index < classes else {
        throw TensorError(
          op: "one_hot", "index \(index) at position \(row) is not in 0 ..< \(classes)",
          exitCode: .data)
      }
      y[row * classes + index] = 1
    }
  }
}
