import CKernels

extension Tensor {
  /// A function of one variable as plain ops, each with a gradient made of recorded ops; nil for one
  /// that has none.
  func decomposed(_ op: dl_unary, _ alpha: Double) throws -> Tensor? {
    switch op {
    case DL_SIGMOID: try plain(op) { try $0 * $1 * (1 - $1) }
    case DL_TANH: try plain(op) { try $0 * (1 - $1 * $1) }
    case DL_EXP: try plain(op) { try $0 * $1 }
    case DL_LOG: try plain(op) { [self] dy, _ in try dy / self }
    case DL_SQRT: try plain(op) { try $0 * 0.5 / $1 }
    case DL_ERF:
      try plain(op) { [self] dy, _ in
        try dy * (-(self * self)).exp() * (2 / Double.pi.squareRoot())
      }
    case DL_GELU: try self * 0.5 * ((self * 0.5.squareRoot()).erf() + 1)
    case DL_GELU_TANH:
      try self * 0.5
        * (((self + self * self * self * 0.044715) * (2 / Double.pi).squareRoot()).tanh() + 1)
    case DL_SILU: try self * sigmoid()
    case DL_HARD_SWISH: try decomposedHardSwish()
    case DL_ELU: try plainELU(op, above: 1, below: alpha)
    case DL_SELU: try plainELU(op, above: 1.0507009873554805, below: 1.7580993408473766)
    case DL_RSQRT: try plain(op) { try $0 * $1 * $1 * $1 * -0.5 }
    case DL_RECIPROCAL: try plain(op) { try -$0 * $1 * $1 }
    case DL_SQUARE: try self * self
    case DL_RELU, DL_LEAKY_RELU, DL_RELU6, DL_HARD_SIGMOID, DL_ABS: try straight(op, alpha)
    default: nil
    }
  }

  /// The kernel, with the slope `above` for positive elements and `below · exp(x)` for others.
  ///
  /// At 0 itself the slope counts as flat, as PyTorch has it.
  private func plainELU(_ op: dl_unary, above: Double, below: Double) throws -> Tensor {
    let (positive, negative) = (try isAbove(0), try 1 - isAtLeast(0))
    return try plain(op, below) { [self] dy, _ in
      let slope = try (self * negative).exp() * (1 - positive) * below + positive * above
      return try dy * slope
    }
  }

  /// `x · (x + 3) / 6` between -3 and 3, 0 below, `x` above.
  ///
  /// Not `x · hardSigmoid(x)`: PyTorch gives the kinks the slopes of the outer pieces.
  private func decomposedHardSwish() throws -> Tensor {
    let above = try isAtLeast(3)
    let inside = try isAbove(-3) - above
    return try self * above + self * (self + 3) * inside / 6
  }

  /// The op's kernel; `gradient` maps the gradient at the result and the result to the one at the
  /// input.
  private func plain(
    _ op: dl_unary, _ alpha: Double = 0,
    _ gradient: @escaping (Tensor, Tensor) throws -> Tensor
  ) throws -> Tensor {
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_unary_forward(dtype.kernel, op, alpha, pointer, y.pointer, count)
    return context.record(y, Pullback(self) { try gradient($0, y) })
  }

  /// The kernel of an op made of straight pieces, whose slopes are constants.
  private func straight(_ op: dl_unary, _ alpha: Double) throws -> Tensor {
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_unary_forward(dtype.kernel, op, alpha, pointer, y.pointer, count)
    let slope = try Tensor.full(shape, 1, dtype: dtype, context: context)
    dl_unary_backward(
      dtype.kernel, op, alpha, pointer, y.pointer, slope.pointer, slope.pointer, count, 0)
    return context.record(y, Pullback(self) { try $0 * slope })
  }

  /// 1 where an element is larger than `bound`, 0 elsewhere, not recorded.
  func isAbove(_ bound: Double) throws -> Tensor { try indicator { $0 > bound } }

  /// 1 where an element is `bound` or larger, 0 elsewhere, not recorded.
  func isAtLeast(_ bound: Double) throws -> Tensor { try indicator { $0 >= bound } }

  private func indicator(_ holds: (Double) -> Bool) throws -> Tensor {
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    y.assign(doubles.map { holds($0) ? 1 : 0 })
    return y
  }
}
