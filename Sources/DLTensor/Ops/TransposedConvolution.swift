import CKernels
import DLCluster
import DLCore

/// A transposed convolution's window, and the rows and columns added to its output.
public struct TransposedWindow2d: Hashable, Sendable {
  /// The window of the convolution that this one transposes.
  package let window: Window2d
  /// Rows and columns added at the bottom and the right of the output; smaller than the stride or
  /// the dilation.
  package let outputPadding: Size2d

  /// Makes a window; `padding` is cut off the output on both sides.
  public init(
    kernel: Size2d, stride: Size2d = 1, padding: Size2d = 0, outputPadding: Size2d = 0,
    dilation: Size2d = 1
  ) {
    window = Window2d(kernel: kernel, stride: stride, padding: padding, dilation: dilation)
    self.outputPadding = outputPadding
  }

  /// The output's size:
  /// `(extent - 1) · stride - 2 · padding + dilation · (kernel - 1) + outputPadding + 1`.
  ///
  /// - Throws: ``TensorError`` when there is no output, or the numbers make no sense.
  package func output(op: String, height: Int, width: Int) throws -> Size2d {
    let sides = try window.sides(op: op)
    let stride = window.stride
    let bound = Size2d(
      max(stride.height, window.dilation.height), max(stride.width, window.dilation.width))
    guard outputPadding.isWithin(0...Int(Int32.max)), outputPadding.height < bound.height,
      outputPadding.width < bound.width
    else {
      throw TensorError(
        op: op,
        "output padding \(outputPadding) must be smaller than the stride \(stride) or the dilation "
          + "\(window.dilation)")
    }
    guard Size2d(height, width).isWithin(1...Int(Int32.max)) else {
      throw TensorError(op: op, "an image of \(Size2d(height, width)) has no size to enlarge")
    }
    let size = Size2d(
      (height - 1) * stride.height + window.reach.height - sides.top - sides.bottom
        + outputPadding.height,
      (width - 1) * stride.width + window.reach.width - sides.left - sides.right
        + outputPadding.width)
    guard size.isWithin(1...Int(Int32.max)) else {
      throw TensorError(
        op: op,
        "the output of an image of \(Size2d(height, width)) would be \(size); use less padding")
    }
    return size
  }
}

extension Tensor {
  /// Two-dimensional transposed convolution: the gradient of `conv2d` by its input, as an op.
  ///
  /// Shapes: x `[batch, height, width, in]`, weight `[kernel height, kernel width, out / groups, in]`,
  /// bias `[out]`, y `[batch, oh, ow, out]` with
  /// `oh = (height - 1) · stride - 2 · padding + dilation · (kernel - 1) + outputPadding + 1`.
  /// Dumoulin and Visin 2016. Counterpart: `torch.nn.functional.conv_transpose2d`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func convTranspose2d(
    _ weight: Tensor, bias: Tensor? = nil, stride: Size2d = 1, padding: Size2d = 0,
    outputPadding: Size2d = 0, dilation: Size2d = 1, groups: Int = 1
  ) throws -> Tensor {
    try transposedConvolution(
      "conv_transpose2d", weight, bias, stride, padding, outputPadding, dilation, groups)
  }

  /// One-dimensional transposed convolution.
  ///
  /// Shapes: x `[batch, length, in]`, weight `[kernel, out / groups, in]`, bias `[out]`, y
  /// `[batch, ol, out]`. Counterpart: `torch.nn.functional.conv_transpose1d`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func convTranspose1d(
    _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Int = 0,
    outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1
  ) throws -> Tensor {
    guard shape.rank == 3, weight.shape.rank == 3 else {
      throw TensorError(
        op: "conv_transpose1d",
        "input has shape \(shape), weight \(weight.shape); expected [batch, length, in] and "
          + "[kernel, out / groups, in]")
    }
    return try asRow().transposedConvolution(
      "conv_transpose1d", weight.reshape(weight.shape.prepending(1)), bias, Size2d(1, stride),
      Size2d(0, padding), Size2d(0, outputPadding), Size2d(1, dilation), groups
    ).fromRow()
  }

  private func transposedConvolution(
    _ op: String, _ weight: Tensor, _ bias: Tensor?, _ stride: Size2d, _ padding: Size2d,
    _ outputPadding: Size2d, _ dilation: Size2d, _ groups: Int
  ) throws -> Tensor {
    guard shape.rank == 4, weight.shape.rank == 4, weight.dtype == dtype else {
      throw TensorError(
        op: op,
        "input has shape \(shape), weight \(weight.shape); expected [batch, height, width, in] "
          + "and [kh, kw, out / groups, in]")
    }
    try requireImages(op: op)
    guard shape[3] == weight.shape[3] else {
      throw TensorError(
        op: op, "input has \(counted(shape[3], "channel")), weight expects \(weight.shape[3])")
    }
    guard groups > 0, shape[3].isMultiple(of: groups) else {
      throw TensorError(
        op: op, "\(shape[3]) input channels do not divide into \(groups) groups")
    }
    let (channels, overflow) = weight.shape[2].multipliedReportingOverflow(by: groups)
    guard !overflow else {
      throw TensorError(
        op: op, "\(counted(groups, "group")) of \(counted(weight.shape[2], "channel")) are too many"
      )
    }
    try requireBias(op: op, bias, channels)
    let window = TransposedWindow2d(
      kernel: Size2d(weight.shape[0], weight.shape[1]), stride: stride, padding: padding,
      outputPadding: outputPadding, dilation: dilation)
    let size = try window.output(op: op, height: shape[1], width: shape[2])
    let y = try Tensor.empty(
      [shape[0], size.height, size.width, channels], dtype: dtype, context: context)
    try requireCountable(op: op, y.shape)
    let plan = try ConvolutionPlan(
      op: op, dense: y, window: window.window, groups: groups, sparse: self)
    if context.isDecomposing {
      return try ConvolutionProducts(
        plan: plan, dense: y.shape, weight: weight.shape, sparse: shape
      ).dense(self, weight).plus(bias)
    }
    try plan.backwardInput(pointer, weight.pointer, into: y.pointer, 0)
    let rows = y.shape.leading
    y.addBias(bias, rows: rows, relu: false)
    return context.record(
      y, from: self, weight, bias, op: "convTranspose2d",
      multiplyAdds: count * weight.count / max(shape.last, 1)
    ) { [self] dy in
      try bias?.addColumnSums(dy, rows: rows)
      try weight.addGradient { dw, accumulate in
        try plan.backwardWeight(dy.pointer, pointer, into: dw, accumulate)
      }
      try addGradient { dx, accumulate in
        guard accumulate == 1 else {
          return try plan.forward(dy.pointer, weight.pointer, into: dx)
        }
        let more = try Tensor.empty(shape, dtype: dtype, context: context)
        try plan.forward(dy.pointer, weight.pointer, into: more.pointer)
        dl_scale(dtype.kernel, 1, more.pointer, dx, count, 1)
      }
    }
  }
}
