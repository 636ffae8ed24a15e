import CKernels

extension Tensor {
  /// The mean over windows that share an image out evenly: output row i takes rows
  /// `⌊i · height / oh⌋ ..< ⌈(i + 1) · height / oh⌉`, and columns alike.
  ///
  /// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
  /// `torch.nn.functional.adaptive_avg_pool2d`.
  ///
  /// - Throws: ``TensorError`` for an image without pixels, or an output size below 1.
  public func adaptiveAvgPool2d(_ size: Size2d) throws -> Tensor {
    try adaptiveAvgPool("adaptive_avg_pool2d", size)
  }

  /// The largest value of windows that share an image out evenly, as those of
  /// ``adaptiveAvgPool2d(_:)``.
  ///
  /// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
  /// `torch.nn.functional.adaptive_max_pool2d`.
  ///
  /// - Throws: ``TensorError`` for an image without pixels, or an output size below 1.
  public func adaptiveMaxPool2d(_ size: Size2d) throws -> Tensor {
    try adaptiveMaxPool("adaptive_max_pool2d", size)
  }

  /// The mean over windows that share a sequence out evenly.
  ///
  /// Shapes: `[batch, length, channels]` to `[batch, size, channels]`. Counterpart:
  /// `torch.nn.functional.adaptive_avg_pool1d`.
  ///
  /// - Throws: ``TensorError`` for an empty sequence, or an output size below 1.
  public func adaptiveAvgPool1d(_ size: Int) throws -> Tensor {
    let op = "adaptive_avg_pool1d"
    return try asRow(op).adaptiveAvgPool(op, Size2d(1, size)).fromRow()
  }

  /// The largest value of windows that share a sequence out evenly.
  ///
  /// Shapes: `[batch, length, channels]` to `[batch, size, channels]`. Counterpart:
  /// `torch.nn.functional.adaptive_max_pool1d`.
  ///
  /// - Throws: ``TensorError`` for an empty sequence, or an output size below 1.
  public func adaptiveMaxPool1d(_ size: Int) throws -> Tensor {
    let op = "adaptive_max_pool1d"
    return try asRow(op).adaptiveMaxPool(op, Size2d(1, size)).fromRow()
  }

  /// The mean over height and width: `[batch, height, width, channels]` to `[batch, channels]`.
  ///
  /// - Throws: ``TensorError`` for an image without pixels.
  public func globalAvgPool2d() throws -> Tensor { try globalAvgPool("global_avg_pool2d") }

  /// The largest value over height and width: `[batch, height, width, channels]` to
  /// `[batch, channels]`.
  ///
  /// - Throws: ``TensorError`` for an image without pixels.
  public func globalMaxPool2d() throws -> Tensor {
    try adaptiveMaxPool("global_max_pool2d", 1).reshape([shape[0], shape[3]])
  }

  /// The mean over a sequence: `[batch, length, channels]` to `[batch, channels]`.
  ///
  /// - Throws: ``TensorError`` for an empty sequence.
  public func globalAvgPool1d() throws -> Tensor {
    try asRow("global_avg_pool1d").globalAvgPool("global_avg_pool1d")
  }

  /// The largest value over a sequence: `[batch, length, channels]` to `[batch, channels]`.
  ///
  /// - Throws: ``TensorError`` for an empty sequence.
  public func globalMaxPool1d() throws -> Tensor {
    let op = "global_max_pool1d"
    return try asRow(op).adaptiveMaxPool(op, 1).reshape([shape[0], shape[2]])
  }

  private func globalAvgPool(_ op: String) throws -> Tensor {
    try requirePixels(op)
    let (batch, pixels, channels) = (shape[0], shape[1] * shape[2], shape[3])
    return try linearMap(to: [batch, channels]) { x, y in
      dl_global_avg_pool_forward(x.dtype.kernel, x.pointer, batch, pixels, channels, y)
    } transposed: { dy, dx, accumulate in
      dl_global_avg_pool_backward(
        dy.dtype.kernel, dy.pointer, batch, pixels, channels, dx, accumulate)
    }
  }

  private func adaptiveAvgPool(_ op: String, _ size: Size2d) throws -> Tensor {
    let (geometry, output) = try adaptive(op, size)
    return try linearMap(to: output) { x, y in
      var geometry = geometry
      dl_adaptive_avg_pool_forward(x.dtype.kernel, &geometry, x.pointer, y)
    } transposed: { dy, dx, accumulate in
      var geometry = geometry
      dl_adaptive_avg_pool_backward(dy.dtype.kernel, &geometry, dy.pointer, dx, accumulate)
    }
  }

  private func adaptiveMaxPool(_ op: String, _ size: Size2d) throws -> Tensor {
    var (geometry, output) = try adaptive(op, size)
    let y = try Tensor.empty(output, dtype: dtype, context: context)
    let positions = try Tensor.empty(y.shape, dtype: .int32, context: context)
    dl_adaptive_max_pool_forward(
      dtype.kernel, &geometry, pointer, y.pointer,
      positions.pointer.assumingMemoryBound(to: Int32.self))
    return try recordMaximum(y, geometry, positions)
  }

  private func adaptive(_ op: String, _ size: Size2d) throws -> (dl_conv_geometry, Shape) {
    try requirePixels(op)
    guard size.isWithin(1...Int(Int32.max)) else {
      throw TensorError(op: op, "output size is \(size), expected at least 1")
    }
    let output: Shape = [shape[0], size.height, size.width, shape[3]]
    try requireCountable(op: op, output)
    let geometry = try Window2d(kernel: 1).geometry(
      op: op, batch: shape[0], height: shape[1], width: shape[2], channels: shape[3], output: size)
    return (geometry, output)
  }

  private func requirePixels(_ op: String) throws {
    guard shape.rank == 4, shape[1] > 0, shape[2] > 0 else {
      throw TensorError(
        op: op,
        "input has shape \(shape), expected [batch, height, width, channels] of one pixel or more")
    }
    try requireImages(op: op)
  }
}
