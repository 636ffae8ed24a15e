import CKernels

extension Tensor {
  /// Two-dimensional cross-correlation.
  ///
  /// Shapes: x `[batch, height, width, in]`, weight `[kernel height, kernel width, in, out]`, bias
  /// `[out]`, y `[batch, oh, ow, out]`. Narrow outputs go through a direct kernel, 1x1 windows are
  /// one matrix product, all others are a product with blocks of unrolled windows (im2col) that
  /// stay in cache. With `relu` the result is `max(y, 0)`, in the same pass.
  public func conv2d(
    _ weight: Tensor, bias: Tensor? = nil, stride: Size2d = 1, padding: Size2d = 0,
    relu: Bool = false
  ) throws -> Tensor {
    try requireReal(op: "conv2d")
    guard shape.rank == 4, weight.shape.rank == 4, weight.dtype == dtype else {
      throw TensorError(
        op: "conv2d",
        "input has shape \(shape), weight \(weight.shape); expected [batch, height, width, in] "
          + "and [kh, kw, in, out]")
    }
    guard shape[3] == weight.shape[2] else {
      throw TensorError(
        op: "conv2d", "input has \(shape[3]) channels, weight expects \(weight.shape[2])")
    }
    let channels = weight.shape[3]
    guard bias == nil || bias?.shape == [channels] else {
      throw TensorError(
        op: "conv2d", "bias has shape \(bias?.shape ?? []), weight expects [\(channels)]")
    }
    let window = Window2d(
      kernel: Size2d(weight.shape[0], weight.shape[1]), stride: stride, padding: padding)
    let size = try window.output(op: "conv2d", height: shape[1], width: shape[2])
    let y = try Tensor.empty(
      [shape[0], size.height, size.width, channels], dtype: dtype, context: context)
    let plan = ConvolutionPlan(input: self, weight: weight, window: window, output: y)
    try plan.forward(self, weight, bias, y, relu: relu)
    return context.record(y, from: self, weight, bias) { [self] dy in
      if relu { dy.maskByReLU(of: y) }
      try plan.backwardWeight(self, weight, bias, dy)
      try plan.backwardInput(self, weight, dy)
    }
  }
}

/// How one convolution is carried out, chosen from its shapes.
private struct ConvolutionPlan {
  private enum Method { case pointwise, direct, unrolled }

  private let dtype: DType
  private var geometry: dl_conv_geometry
  private let channels: Int
  private let rows: Int
  private let depth: Int
  private let method: Method

  /// Rows of unrolled windows per block: 512 KiB of them stay in the second-level cache.
  private var blockRows: Int {
    max(16, min(rows, 524_288 / max(depth * dtype.byteCount, 1)))
  }

  init(input: Tensor, weight: Tensor, window: Window2d, output: Tensor) {
    dtype = input.dtype
    channels = weight.shape[3]
    geometry = window.geometry(
      batch: input.shape[0], height: input.shape[1], width: input.shape[2],
      channels: input.shape[3], output: Size2d(output.shape[1], output.shape[2]))
    rows = output.shape[0] * output.shape[1] * output.shape[2]
    depth = weight.shape[0] * weight.shape[1] * weight.shape[2]
    if window == Window2d(kernel: 1) {
      method = .pointwise
    } else {
      var geometry = geometry
      let direct = dl_conv2d_direct_supported(dtype.kernel, &geometry, channels) != 0
      method = direct ? .direct : .unrolled
    }
  }

  func forward(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ y: Tensor, relu: Bool) throws {
    var geometry = geometry
    switch method {
    case .direct:
      dl_conv2d_direct_forward(
        dtype.kernel, &geometry, x.pointer, weight.pointer, bias?.pointer,
        relu ? DL_CONV_RELU : DL_CONV_NONE, y.pointer, channels, try scratch(x.context).pointer)
      return
    case .pointwise:
      product(x.pointer, weight, into: y.pointer, rows: rows)
    case .unrolled:
      try eachBlock(x.context) { block, columns in
        dl_im2col(
          dtype.kernel, &geometry, x.pointer, block.lowerBound, block.upperBound, columns)
        product(
          columns, weight, into: y.pointer + block.lowerBound * channels * dtype.byteCount,
          rows: block.count)
      }
    }
    y.addBias(bias, rows: rows, relu: relu)
  }

  func backwardWeight(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ dy: Tensor) throws {
    var geometry = geometry
    try bias?.addColumnSums(dy, rows: rows)
    try weight.addGradient { dw, accumulate in
      switch method {
      case .direct:
        dl_conv2d_direct_backward_weight(
          dtype.kernel, &geometry, x.pointer, dy.pointer, dw, nil, channels, accumulate,
          try scratch(x.context).pointer)
      case .pointwise:
        weightProduct(x.pointer, dy.pointer, into: dw, rows: rows, accumulate: accumulate)
      case .unrolled:
        var accumulate = accumulate
        if rows == 0, accumulate == 0 { dl_fill(dtype.kernel, 0, dw, weight.count) }
        try eachBlock(x.context) { block, columns in
          dl_im2col(
            dtype.kernel, &geometry, x.pointer, block.lowerBound, block.upperBound, columns)
          weightProduct(
            columns, dy.pointer + block.lowerBound * channels * dtype.byteCount, into: dw,
            rows: block.count, accumulate: accumulate)
          accumulate = 1
        }
      }
    }
  }

  func backwardInput(_ x: Tensor, _ weight: Tensor, _ dy: Tensor) throws {
    var geometry = geometry
    try x.addGradient { dx, accumulate in
      switch method {
      case .direct:
        dl_conv2d_direct_backward_input(
          dtype.kernel, &geometry, dy.pointer, weight.pointer, dx, channels, accumulate,
          try scratch(x.context).pointer)
      case .pointwise:
        inputProduct(dy.pointer, weight, into: dx, rows: rows, accumulate: accumulate)
      case .unrolled:
        if accumulate == 0 { dl_fill(dtype.kernel, 0, dx, x.count) }
        try eachBlock(x.context) { block, columns in
          inputProduct(
            dy.pointer + block.lowerBound * channels * dtype.byteCount, weight, into: columns,
            rows: block.count, accumulate: 0)
          dl_col2im(dtype.kernel, &geometry, columns, block.lowerBound, block.upperBound, dx)
        }
      }
    }
  }

  private func scratch(_ context: Context) throws -> Tensor {
    var geometry = geometry
    let bytes = dl_conv2d_direct_scratch(dtype.kernel, &geometry, channels)
    return try Tensor.empty([bytes], dtype: .uint8, context: context)
  }

  private func eachBlock(
    _ context: Context, _ body: (Range<Int>, UnsafeMutableRawPointer) throws -> Void
  ) throws {
    guard rows > 0 else { return }
    let columns = try Tensor.empty([blockRows, depth], dtype: dtype, context: context)
    for start in stride(from: 0, to: rows, by: blockRows) {
      try body(start..<min(start + blockRows, rows), columns.pointer)
    }
  }

  /// The product `[rows, depth] · [depth, channels]`.
  private func product(
    _ columns: UnsafeRawPointer, _ weight: Tensor, into y: UnsafeMutableRawPointer, rows: Int
  ) {
    gemm(
      dtype, m: rows, n: channels, k: depth, columns, lda: depth, weight.pointer, ldb: channels,
      beta: 0, y, ldc: channels)
  }

  /// The product `[rows, depth]ᵀ · [rows, channels]`.
  private func weightProduct(
    _ columns: UnsafeRawPointer, _ dy: UnsafeRawPointer, into dw: UnsafeMutableRawPointer,
    rows: Int, accumulate: Int32
  ) {
    gemm(
      dtype, transposeA: true, m: depth, n: channels, k: rows, columns, lda: depth, dy,
      ldb: channels, beta: Double(accumulate), dw, ldc: channels)
  }

  /// The product `[rows, channels] · [depth, channels]ᵀ`.
  private func inputProduct(
    _ dy: UnsafeRawPointer, _ weight: Tensor, into columns: UnsafeMutableRawPointer, rows: Int,
    accumulate: Int32
  ) {
    gemm(
      dtype, transposeB: true, m: rows, n: depth, k: channels, dy, lda: channels, weight.pointer,
      ldb: channels, beta: Double(accumulate), columns, ldc: depth)
  }
}
