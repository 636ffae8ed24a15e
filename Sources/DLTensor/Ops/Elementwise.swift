import CKernels

extension Tensor {
  /// `eˣ`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func exp() throws -> Tensor { try unary(DL_EXP, name: "exp") }

  /// The natural logarithm.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func log() throws -> Tensor { try unary(DL_LOG, name: "log") }

  /// The square root; its gradient at 0 is infinite.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func sqrt() throws -> Tensor { try unary(DL_SQRT, name: "sqrt") }

  /// `1 / √x`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func rsqrt() throws -> Tensor { try unary(DL_RSQRT, name: "rsqrt") }

  /// `|x|`; its gradient at 0 is 0.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func abs() throws -> Tensor { try unary(DL_ABS, name: "abs") }

  /// `x²`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func square() throws -> Tensor { try unary(DL_SQUARE, name: "square") }

  /// `1 / x`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func reciprocal() throws -> Tensor { try unary(DL_RECIPROCAL, name: "reciprocal") }

  /// `xᵖ`; the gradient is 0 where p is.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func pow(_ exponent: Double) throws -> Tensor {
    try requireReal(op: "pow")
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_power(dtype.kernel, exponent, pointer, y.pointer, count)
    if context.isDecomposing {
      return context.record(
        y,
        Pullback(self) { [self] dy in
          try exponent == 0 ? dy * 0 : dy * pow(exponent - 1) * exponent
        })
    }
    return context.record(y, from: self) { [self] dy in
      try addGradient(reusing: dy) { dx, accumulate in
        dl_power_backward(
          dtype.kernel, exponent, pointer, dy.pointer, dx, count, accumulate)
      }
    }
  }

  /// `xᵖ` element by element; shapes broadcast, as `[a, 1]` and `[b]` to `[a, b]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func pow(_ exponent: Tensor) throws -> Tensor {
    try binaryWithSlopes("pow", DL_POW, exponent)
  }

  /// The larger of two elements; shapes broadcast, as `[a, 1]` and `[b]` to `[a, b]`, and equals
  /// share the gradient.
  ///
  /// Counterpart: `torch.maximum`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func maximum(_ other: Tensor) throws -> Tensor {
    try binaryWithSlopes("maximum", DL_MAXIMUM, other)
  }

  /// The smaller of two elements; shapes broadcast, as `[a, 1]` and `[b]` to `[a, b]`, and equals
  /// share the gradient.
  ///
  /// Counterpart: `torch.minimum`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func minimum(_ other: Tensor) throws -> Tensor {
    try binaryWithSlopes("minimum", DL_MINIMUM, other)
  }

  /// `min(max(x, low), high)`; the gradient passes where `low <= x <= high`.
  ///
  /// Shapes: any to the same.
  /// Counterpart: `torch.clamp`.
  ///
  /// - Throws: ``TensorError`` unless `low <= high`.
  public func clamp(_ low: Double = -.infinity, _ high: Double = .infinity) throws -> Tensor {
    try requireReal(op: "clamp")
    guard low <= high else {
      throw TensorError(op: "clamp", "bounds \(low) and \(high), expected low <= high")
    }
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_clamp(dtype.kernel, low, high, pointer, y.pointer, count)
    if context.isDecomposing {
      let slope = try Tensor.full(shape, 1, dtype: dtype, context: context)
      dl_clamp_backward(
        dtype.kernel, low, high, pointer, slope.pointer, slope.pointer, count, 0)
      return context.record(y, Pullback(self) { try $0 * slope })
    }
    return context.record(y, from: self) { [self] dy in
      try addGradient(reusing: dy) { dx, accumulate in
        dl_clamp_backward(
          dtype.kernel, low, high, pointer, dy.pointer, dx, count, accumulate)
      }
    }
  }

  private func binaryWithSlopes(_ name: String, _ op: dl_binary, _ other: Tensor) throws -> Tensor {
    let y = try Tensor.binary(name, op, self, other)
    return context.record(y, from: self, other) { [self] dy in
      for (operand, tensor) in [self, other].enumerated() where tensor.requiresGradient {
        let slope = try Tensor.empty(y.shape, dtype: dtype, context: context)
        dl_binary_backward(
          dtype.kernel, op, Int32(operand), y.shape.rank, y.shape.dimensions, pointer,
          shape.strides(broadcastTo: y.shape), other.pointer,
          other.shape.strides(broadcastTo: y.shape), dy.pointer, slope.pointer, 0)
        try tensor.addBroadcastGradient(slope)
      }
    }
  }
}
