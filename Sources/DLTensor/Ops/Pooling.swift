import CKernels
import DLCore

extension Tensor {
  /// The largest value under each window; padding counts as minus infinity.
  ///
  /// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
  /// `torch.nn.functional.max_pool2d`.
  ///
  /// - Parameter ceilMode: whether the last window may overhang.
  /// - Throws: ``TensorError`` for a window that does not fit.
  public func maxPool2d(_ window: Window2d, ceilMode: Bool = false) throws -> Tensor {
    try maxPool("max_pool2d", window, ceilMode)
  }

  /// The largest value under each window of a sequence; padding counts as minus infinity.
  ///
  /// Shapes: `[batch, length, channels]` to `[batch, ol, channels]`; the stride is the kernel's size
  /// by default. Counterpart: `torch.nn.functional.max_pool1d`.
  ///
  /// - Parameter ceilMode: whether the last window may overhang.
  /// - Throws: ``TensorError`` for a window that does not fit.
  public func maxPool1d(
    kernel: Int, stride: Int? = nil, padding: Int = 0, dilation: Int = 1, ceilMode: Bool = false
  ) throws -> Tensor {
    let window = Window2d.row(
      kernel: kernel, stride: stride ?? kernel, padding: padding, dilation: dilation)
    return try asRow("max_pool1d").maxPool("max_pool1d", window, ceilMode).fromRow()
  }

  /// The mean of the values under each window.
  ///
  /// Shapes: `[batch, height, width, channels]` to `[batch, oh, ow, channels]`. Counterpart:
  /// `torch.nn.functional.avg_pool2d`.
  ///
  /// - Parameters:
  ///   - countIncludePad: whether the divisor counts padded positions, but not what overhangs them.
  ///   - ceilMode: whether the last window may overhang.
  /// - Throws: ``TensorError`` for a window that does not fit, or a dilation.
  public func avgPool2d(_ window: Window2d, countIncludePad: Bool = true, ceilMode: Bool = false)
    throws -> Tensor
  {
    try avgPool("avg_pool2d", window, countIncludePad, ceilMode)
  }

  /// The mean of the values under each window of a sequence.
  ///
  /// Shapes: `[batch, length, channels]` to `[batch, ol, channels]`; the stride is the kernel's size
  /// by default. Counterpart: `torch.nn.functional.avg_pool1d`.
  ///
  /// - Parameters:
  ///   - countIncludePad: whether the divisor counts padded positions, but not what overhangs them.
  ///   - ceilMode: whether the last window may overhang.
  /// - Throws: ``TensorError`` for a window that does not fit.
  public func avgPool1d(
    kernel: Int, stride: Int? = nil, padding: Int = 0, countIncludePad: Bool = true,
    ceilMode: Bool = false
  ) throws -> Tensor {
    let window = Window2d.row(kernel: kernel, stride: stride ?? kernel, padding: padding)
    return try asRow("avg_pool1d").avgPool("avg_pool1d", window, countIncludePad, ceilMode)
      .fromRow()
  }

  private func maxPool(_ op: String, _ window: Window2d, _ ceilMode: Bool) throws -> Tensor {
    var (geometry, output) = try pooling(op, window, ceilMode)
    let y = try Tensor.empty(output, dtype: dtype, context: context)
    let positions = try Tensor.empty(y.shape, dtype: .int32, context: context)
    dl_max_pool_forward(
      dtype.kernel, &geometry, pointer, y.pointer,
      positions.pointer.assumingMemoryBound(to: Int32.self))
    return try recordMaximum(y, geometry, positions)
  }

  private func avgPool(
    _ op: String, _ window: Window2d, _ countIncludePad: Bool, _ ceilMode: Bool
  ) throws -> Tensor {
    guard window.dilation == 1 else {
      throw TensorError(op: op, "dilation is \(window.dilation), an average has none")
    }
    let (geometry, output) = try pooling(op, window, ceilMode)
    let counted =
      countIncludePad ? try window.padded(op: op, height: shape[1], width: shape[2]) : 0
    return try linearMap(to: output) { x, y in
      var geometry = geometry
      dl_avg_pool_forward(
        x.dtype.kernel, &geometry, x.pointer, counted.height, counted.width, y)
    } transposed: { dy, dx, accumulate in
      var geometry = geometry
      dl_avg_pool_backward(
        dy.dtype.kernel, &geometry, dy.pointer, counted.height, counted.width, dx, accumulate)
    }
  }

  /// Notes that `y` took the elements at `positions` of each image.
  func recordMaximum(
    _ y: Tensor, _ geometry: dl_conv_geometry, _ positions: Tensor, op: StaticString = #function
  ) throws -> Tensor {
    if context.isDecomposing { return try decomposedMaximum(geometry, positions, op: op) }
    return context.record(y, from: self, op: op) { [self] dy in
      try addGradient { dx, accumulate in
        var geometry = geometry
        dl_max_pool_backward(
          dtype.kernel, &geometry, dy.pointer, positions.int32s, dx, accumulate)
      }
    }
  }

  private func pooling(_ op: String, _ window: Window2d, _ ceilMode: Bool) throws
    -> (dl_conv_geometry, Shape)
  {
    try requireImages(op: op)
    let size = try window.poolOutput(
      op: op, height: shape[1], width: shape[2], ceilMode: ceilMode)
    let output: Shape = [shape[0], size.height, size.width, shape[3]]
    try requireCountable(op: op, output)
    let geometry = try window.geometry(
      op: op, batch: shape[0], height: shape[1], width: shape[2], channels: shape[3], output: size)
    return (geometry, output)
  }

  /// `[batch, length, channels]` as images of one row.
  func asRow(_ op: String) throws -> Tensor {
    guard shape.rank == 3 else {
      throw TensorError(op: op, "input has shape \(shape), expected [batch, length, channels]")
    }
    return try asRow()
  }
}

extension Window2d {
  /// A window over a sequence, as one over images of one row.
  package static func row(kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1)
    -> Window2d
  {
    Window2d(
      kernel: Size2d(1, kernel), stride: Size2d(1, stride), padding: Size2d(0, padding),
      dilation: Size2d(1, dilation))
  }
}
