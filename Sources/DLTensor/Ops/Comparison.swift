import CKernels

// Comparisons give masks: uint8 tensors of 1 where true and 0 elsewhere. Shapes broadcast; operands
// are both real or both int32.
extension Tensor {
  /// A mask of the places where `a` is less than `b`.
  ///
  /// Shapes: any that broadcast, as `[a, 1]` and `[b]` to `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .< (a: Tensor, b: Tensor) throws -> Tensor { try compare(DL_LESS, a, b) }

  /// A mask of the places where `a` is less than or equal to `b`.
  ///
  /// Shapes: any that broadcast, as `[a, 1]` and `[b]` to `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .<= (a: Tensor, b: Tensor) throws -> Tensor {
    try compare(DL_LESS_EQUAL, a, b)
  }

  /// A mask of the places where `a` is greater than `b`.
  ///
  /// Shapes: any that broadcast, as `[a, 1]` and `[b]` to `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .> (a: Tensor, b: Tensor) throws -> Tensor { try compare(DL_GREATER, a, b) }

  /// A mask of the places where `a` is greater than or equal to `b`.
  ///
  /// Shapes: any that broadcast, as `[a, 1]` and `[b]` to `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .>= (a: Tensor, b: Tensor) throws -> Tensor {
    try compare(DL_GREATER_EQUAL, a, b)
  }

  /// A mask of the places where `a` equals `b`.
  ///
  /// Shapes: any that broadcast, as `[a, 1]` and `[b]` to `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .== (a: Tensor, b: Tensor) throws -> Tensor { try compare(DL_EQUAL, a, b) }

  /// A mask of the places where `a` differs from `b`.
  ///
  /// Shapes: any that broadcast, as `[a, 1]` and `[b]` to `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .!= (a: Tensor, b: Tensor) throws -> Tensor {
    try compare(DL_NOT_EQUAL, a, b)
  }

  /// A mask of the places where an element is less than a number.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .< (a: Tensor, b: Double) throws -> Tensor { try a .< a.comparable(b) }

  /// A mask of the places where an element is less than or equal to a number.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .<= (a: Tensor, b: Double) throws -> Tensor { try a .<= a.comparable(b) }

  /// A mask of the places where an element is greater than a number.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .> (a: Tensor, b: Double) throws -> Tensor { try a .> a.comparable(b) }

  /// A mask of the places where an element is greater than or equal to a number.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .>= (a: Tensor, b: Double) throws -> Tensor { try a .>= a.comparable(b) }

  /// A mask of the places where an element equals a number.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .== (a: Tensor, b: Double) throws -> Tensor { try a .== a.comparable(b) }

  /// A mask of the places where an element differs from a number.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func .!= (a: Tensor, b: Double) throws -> Tensor { try a .!= a.comparable(b) }

  private func comparable(_ value: Double) throws -> Tensor {
    if dtype == .int32 {
      guard let exact = Int32(exactly: value) else {
        throw TensorError(op: "compare", "\(value) is no int32")
      }
      return try Tensor.labels([exact], shape: [], context: context)
    }
    try requireReal(op: "compare")
    return try Tensor.full([], value, dtype: dtype, context: context)
  }

  private static func compare(_ op: dl_comparison, _ a: Tensor, _ b: Tensor) throws -> Tensor {
    guard a.dtype == b.dtype, a.dtype.isReal || a.dtype == .int32 else {
      throw TensorError(op: "compare", "operands are \(a.dtype) and \(b.dtype)")
    }
    guard let shape = Shape.broadcast(a.shape, b.shape) else {
      throw TensorError(op: "compare", "shapes \(a.shape) and \(b.shape) do not broadcast")
    }
    let y = try Tensor.empty(shape, dtype: .uint8, context: a.context)
    let (stridesA, stridesB) = (
      a.shape.strides(broadcastTo: shape), b.shape.strides(broadcastTo: shape)
    )
    if a.dtype == .int32 {
      dl_compare_integers(
        op, shape.rank, shape.dimensions, a.int32s, stridesA, b.int32s, stridesB, y.bytePointer)
    } else {
      dl_compare(
        a.dtype.kernel, op, shape.rank, shape.dimensions, a.pointer, stridesA, b.pointer, stridesB,
        y.bytePointer)
    }
    return y
  }
}
