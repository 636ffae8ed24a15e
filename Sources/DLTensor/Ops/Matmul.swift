import CKernels

extension Tensor {
  /// The matrix product over the last two axes, for each index of the axes before them.
  ///
  /// Shapes: `[..., m, k]` and `[..., k, n]` with equal leading axes to `[..., m, n]`.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func matmul(_ other: Tensor) throws -> Tensor {
    try requireReal(op: "matmul")
    let rank = shape.rank
    guard rank >= 2, other.shape.rank == rank, shape[-1] == other.shape[-2], dtype == other.dtype,
      shape.dropLast().dropLast() == other.shape.dropLast().dropLast()
    else {
      throw TensorError(
        op: "matmul",
        "shapes \(shape) and \(other.shape) do not fit; expected [..., m, k] and [..., k, n]")
    }
    let (m, k, n) = (shape[-2], shape[-1], other.shape[-1])
    let batch = shape.product(0..<rank - 2)
    var resultShape = shape
    resultShape[-1] = n
    let y = try Tensor.empty(resultShape, dtype: dtype, context: context)
    let (sizeA, sizeB) = (m * k * dtype.byteCount, k * n * dtype.byteCount)
    let sizeY = m * n * dtype.byteCount
    for i in 0..<batch {
      gemm(
        productType, m: m, n: n, k: k, pointer + i * sizeA, lda: k, other.pointer + i * sizeB,
        ldb: n,
        beta: 0, y.pointer + i * sizeY, ldc: n)
    }
    if context.isDecomposing {
      return context.record(
        y, Pullback(self) { try $0.matmul(other.transposed()) },
        Pullback(other) { [self] in try transposed().matmul($0) })
    }
    return context.record(y, from: self, other, multiplyAdds: y.count * k) { [self] dy in
      try addGradient { da, accumulate in
        for i in 0..<batch {
          gemm(
            productType, transposeB: true, m: m, n: k, k: n, dy.pointer + i * sizeY, lda: n,
            other.pointer + i * sizeB, ldb: n, beta: Double(accumulate), da + i * sizeA, ldc: k)
        }
      }
      try other.addGradient { db, accumulate in
        for i in 0..<batch {
          gemm(
            productType, transposeA: true, m: k, n: n, k: m, pointer + i * sizeA, lda: k,
            dy.pointer + i * sizeY, ldb: n, beta: Double(accumulate), db + i * sizeB, ldc: n)
        }
      }
    }
  }

  /// `y = x · weightᵀ + bias` on the last axis.
  ///
  /// Shapes: x `[..., in]`, weight `[out, in]`, bias `[out]`, y `[..., out]`. With `relu` the
  /// result is `max(y, 0)`, in the same pass.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func linear(_ weight: Tensor, bias: Tensor? = nil, relu: Bool = false) throws -> Tensor {
    try requireReal(op: "linear")
    guard weight.shape.rank == 2, shape.rank >= 1, shape.last == weight.shape[1],
      weight.dtype == dtype
    else {
      throw TensorError(
        op: "linear", "input has shape \(shape), weight \(weight.shape) expects [..., in]")
    }
    let (rows, input, output) = (shape.leading, weight.shape[1], weight.shape[0])
    try requireBias(op: "linear", bias, output)
    if context.isDecomposing {
      let sum = try reshape([rows, input]).matmul(weight.transposed()).plus(bias)
      return try (relu ? sum.relu() : sum)
        .reshape(Shape(shape.dimensions.dropLast() + [output]))
    }
    var resultShape = shape
    resultShape[-1] = output
    let y = try Tensor.empty(resultShape, dtype: dtype, context: context)
    if Engine.current == .native || context.roundsProducts, input > 0 {
      dl_linear(
        productType, rows, output, input, pointer, input, weight.pointer, input, bias?.pointer,
        relu ? 1 : 0, y.pointer, output)
    } else {
      gemm(
        productType, transposeB: true, m: rows, n: output, k: input, pointer, lda: input,
        weight.pointer,
        ldb: input, beta: 0, y.pointer, ldc: output)
      y.addBias(bias, rows: rows, relu: relu)
    }
    return context.record(y, from: self, weight, bias, multiplyAdds: y.count * input) { [self] dy in
      if relu { dy.maskByReLU(of: y) }
      try addLinearGradients(dy, weight, bias)
    }
  }

  /// `GELU(x · weightᵀ + bias)` on the last axis.
  ///
  /// Shapes: as ``linear(_:bias:relu:)``. GELU's slope is computed with its value, of which it
  /// shares the exponential, and takes the place of what GELU is of.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  package func linear(
    _ weight: Tensor, bias: Tensor? = nil, gelu approximation: GELUApproximation
  ) throws -> Tensor {
    let learns = [self, weight, bias].contains { $0?.requiresGradient == true }
    guard learns, context.isRecording, !context.isDecomposing else {
      return try linear(weight, bias: bias).gelu(approximation)
    }
    let slope = try context.withoutRecording { try linear(weight, bias: bias) }
    let y = try Tensor.empty(slope.shape, dtype: dtype, context: context)
    dl_gelu_with_slope(
      dtype.kernel, approximation.kernel, slope.pointer, y.pointer, slope.pointer, y.count)
    let multiplyAdds = y.count * weight.shape[1]
    return context.record(y, from: self, weight, bias, multiplyAdds: multiplyAdds) { [self] dy in
      dl_multiply_add(dtype.kernel, dy.pointer, slope.pointer, dy.pointer, dy.count, 0)
      try addLinearGradients(dy, weight, bias)
    }
  }

  /// Adds what the gradient `dy` at `x · weightᵀ + bias` gives for x, weight and bias.
  private func addLinearGradients(_ dy: Tensor, _ weight: Tensor, _ bias: Tensor?) throws {
    let (rows, input, output) = (shape.leading, weight.shape[1], weight.shape[0])
    try weight.addGradient { dw, accumulate in
      gemm(
        productType, transposeA: true, m: output, n: input, k: rows, dy.pointer, lda: output,
        pointer, ldb: input, beta: Double(accumulate), dw, ldc: input)
    }
    try bias?.addColumnSums(dy, rows: rows)
    try addGradient { dx, accumulate in
      gemm(
        productType, m: rows, n: input, k: output, dy.pointer, lda: output, weight.pointer,
        ldb: input, beta: Double(accumulate), dx, ldc: input)
    }
  }

  /// A bias, where there is one, added to each row.
  func plus(_ bias: Tensor?) throws -> Tensor { try bias.map { try self + $0 } ?? self }

  /// The last two axes exchanged.
  private func transposed() throws -> Tensor {
    let rank = shape.rank
    return try permute(Array(0..<rank - 2) + [rank - 1, rank - 2])
  }

  /// Adds a bias to each of `rows` rows, then takes `max(y, 0)` if `relu`, in place.
  func addBias(_ bias: Tensor?, rows: Int, relu: Bool) {
    guard bias != nil || relu, rows > 0 else { return }
    dl_bias_forward(
      dtype.kernel, relu ? DL_RELU : DL_IDENTITY, 0, pointer, bias?.pointer, rows, count / rows,
      pointer)
  }

  /// Zeroes the elements of this gradient where the op's result, after its ReLU, is not positive;
  /// in place.
  func maskByReLU(of y: Tensor) {
    dl_unary_backward(dtype.kernel, DL_RELU, 0, nil, y.pointer, pointer, pointer, count, 0)
  }

  /// Adds the sums over the rows of `dy`, `[rows, count]`, to this tensor's gradient.
  func addColumnSums(_ dy: Tensor, rows: Int) throws {
    try addGradient { target, accumulate in
      dl_column_sums(dtype.kernel, dy.pointer, rows, count, target, accumulate)
    }
  }
}
