extension Tensor {
  /// Every element plus a number.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func + (a: Tensor, b: Double) throws -> Tensor { try a + a.constant("add", b) }

  /// A number plus every element.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func + (a: Double, b: Tensor) throws -> Tensor { try b + a }

  /// Every element minus a number.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func - (a: Tensor, b: Double) throws -> Tensor { try a + -b }

  /// A number minus every element.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func - (a: Double, b: Tensor) throws -> Tensor { try b.constant("sub", a) - b }

  /// A number times every element.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func * (factor: Double, b: Tensor) throws -> Tensor { try b * factor }

  /// Every element divided by a number.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func / (a: Tensor, b: Double) throws -> Tensor { try a / a.constant("div", b) }

  /// A number divided by every element.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static func / (a: Double, b: Tensor) throws -> Tensor { try b.constant("div", a) / b }

  /// Every element with the other sign.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public static prefix func - (a: Tensor) throws -> Tensor { try a * -1 }

  /// A scalar of this tensor's type, not recorded.
  private func constant(_ op: String, _ value: Double) throws -> Tensor {
    try requireReal(op: op)
    return try Tensor.full([], value, dtype: dtype, context: context)
  }
}
