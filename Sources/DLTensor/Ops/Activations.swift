import CKernels

/// The way in which GELU computes the normal distribution function.
public enum GELUApproximation: String, Sendable, CaseIterable {
  /// By the error function.
  case none
  /// By `0.5 · (1 + tanh(√(2/π) · (x + 0.044715 x³)))`.
  case tanh

  /// The kernels' name of GELU by it.
  var kernel: dl_unary { self == .none ? DL_GELU : DL_GELU_TANH }
}

extension Tensor {
  /// `max(x, 0)`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func relu() throws -> Tensor { try unary(DL_RELU) }

  /// `x` where positive, `slope · x` elsewhere.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func leakyReLU(_ slope: Double = 0.01) throws -> Tensor { try unary(DL_LEAKY_RELU, slope) }

  /// `1 / (1 + exp(-x))`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func sigmoid() throws -> Tensor { try unary(DL_SIGMOID) }

  /// The hyperbolic tangent.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func tanh() throws -> Tensor { try unary(DL_TANH) }

  /// `x · Φ(x)`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func gelu(_ approximation: GELUApproximation = .none) throws -> Tensor {
    try unary(approximation.kernel)
  }

  /// `x · sigmoid(x)`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func silu() throws -> Tensor { try unary(DL_SILU) }

  /// `min(max(x, 0), 6)`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func relu6() throws -> Tensor { try unary(DL_RELU6) }

  /// `x` where positive, `alpha · (exp(x) - 1)` elsewhere.
  ///
  /// Shapes: any to the same.
  /// Clevert et al. 2016.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func elu(_ alpha: Double = 1) throws -> Tensor { try unary(DL_ELU, alpha) }

  /// ELU with the slope and the scale that keep mean 0 and variance 1.
  ///
  /// Shapes: any to the same.
  /// Klambauer et al. 2017.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func selu() throws -> Tensor { try unary(DL_SELU) }

  /// `min(max(x + 3, 0), 6) / 6`.
  ///
  /// Shapes: any to the same.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func hardSigmoid() throws -> Tensor { try unary(DL_HARD_SIGMOID) }

  /// `x · hardSigmoid(x)`.
  ///
  /// Shapes: any to the same.
  /// Howard et al. 2019.
  ///
  /// - Throws: ``TensorError`` for a type that it does not take, or where there is no memory.
  public func hardSwish() throws -> Tensor { try unary(DL_HARD_SWISH) }

  func unary(
    _ op: dl_unary, _ alpha: Double = 0, name: String = "activation",
    function: StaticString = #function
  ) throws -> Tensor {
    try requireReal(op: name)
    if context.isDecomposing, let y = try decomposed(op, alpha) { return y }
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    dl_unary_forward(dtype.kernel, op, alpha, pointer, y.pointer, count)
    return context.record(y, from: self, op: function) { [self] dy in
      try addGradient(reusing: dy) { dx, accumulate in
        dl_unary_backward(
          dtype.kernel, op, alpha, pointer, y.pointer, dy.pointer, dx, count, accumulate)
      }
    }
  }

  /// - Throws: ``TensorError`` unless the tensor is float32 or float64.
  func requireReal(op: String) throws {
    guard dtype.isReal else {
      throw TensorError(op: op, "needs float32 or float64, got \(dtype)")
    }
  }
}
