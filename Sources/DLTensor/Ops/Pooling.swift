import CKernels

extension Tensor {
  /// The largest value under each window; padding counts as minus infinity.
  ///
  /// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`.
  public func maxPool2d(_ window: Window2d) throws -> Tensor {
    var (geometry, y) = try pooling("max_pool2d", window)
    let positions = try Tensor.empty(y.shape, dtype: .int32, context: context)
    dl_max_pool_forward(
      dtype.kernel, &geometry, pointer, y.pointer,
      positions.pointer.assumingMemoryBound(to: Int32.self))
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        var geometry = geometry
        dl_max_pool_backward(
          dtype.kernel, &geometry, dy.pointer,
          positions.pointer.assumingMemoryBound(to: Int32.self), dx, accumulate)
      }
    }
  }

  /// The mean of the values under each window.
  ///
  /// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`.
  public func avgPool2d(_ window: Window2d, countIncludePad: Bool = true) throws -> Tensor {
    var (geometry, y) = try pooling("avg_pool2d", window)
    let include: Int32 = countIncludePad ? 1 : 0
    dl_avg_pool_forward(dtype.kernel, &geometry, pointer, include, y.pointer)
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        var geometry = geometry
        dl_avg_pool_backward(dtype.kernel, &geometry, dy.pointer, include, dx, accumulate)
      }
    }
  }

  /// The mean over height and width: `[batch, height, width, channels]` to `[batch, channels]`.
  public func globalAvgPool2d() throws -> Tensor {
    try requireReal(op: "global_avg_pool2d")
    guard shape.rank == 4, shape[1] * shape[2] > 0 else {
      throw TensorError(
        op: "global_avg_pool2d",
        "input has shape \(shape), expected [batch, height, width, channels] of one pixel or more")
    }
    let (batch, pixels, channels) = (shape[0], shape[1] * shape[2], shape[3])
    let y = try Tensor.empty([batch, channels], dtype: dtype, context: context)
    dl_global_avg_pool_forward(dtype.kernel, pointer, batch, pixels, channels, y.pointer)
    return context.record(y, from: self) { [self] dy in
      try addGradient { dx, accumulate in
        dl_global_avg_pool_backward(
          dtype.kernel, dy.pointer, batch, pixels, channels, dx, accumulate)
      }
    }
  }

  private func pooling(_ op: String, _ window: Window2d) throws -> (dl_conv_geometry, Tensor) {
    try requireReal(op: op)
    guard shape.rank == 4 else {
      throw TensorError(
        op: op, "input has shape \(shape), expected [batch, height, width, channels]")
    }
    let size = try window.poolOutput(op: op, height: shape[1], width: shape[2])
    let y = try Tensor.empty(
      [shape[0], size.height, size.width, shape[3]], dtype: dtype, context: context)
    let geometry = window.geometry(
      batch: shape[0], height: shape[1], width: shape[2], channels: shape[3], output: size)
    return (geometry, y)
  }
}
