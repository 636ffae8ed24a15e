import CKernels
import DLCluster
import DLCore

extension Tensor {
  /// Two-dimensional cross-correlation.
  ///
  /// Shapes: x `[batch, height, width, in]`, weight `[kernel height, kernel width, in / groups, out]`,
  /// bias `[out]`, y `[batch, oh, ow, out]` with
  /// `oh = (height + 2 · padding - dilation · (kernel - 1) - 1) / stride + 1`. With groups, each
  /// block of out / groups output channels sees its own in / groups input channels. With `relu` the
  /// result is `max(y, 0)`, in the same pass. Counterpart: `torch.nn.functional.conv2d`.
  ///
  /// Few channels go with several images abreast, 1x1 windows are one matrix product, a group per
  /// channel has a kernel of its own, all others are a product with windows that are not written out,
  /// or Winograd's.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func conv2d(
    _ weight: Tensor, bias: Tensor? = nil, stride: Size2d = 1, padding: Size2d = 0,
    dilation: Size2d = 1, groups: Int = 1, relu: Bool = false
  ) throws -> Tensor {
    try conv2d(
      weight, bias: bias, stride: stride, padding: .symmetric(padding), dilation: dilation,
      groups: groups, relu: relu)
  }

  /// Two-dimensional cross-correlation with padding of its own on each side, or `same`.
  ///
  /// Shapes: x `[batch, height, width, in]`, weight
  /// `[kernel height, kernel width, in / groups, out]`, bias `[out]`, y `[batch, oh, ow, out]`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func conv2d(
    _ weight: Tensor, bias: Tensor? = nil, stride: Size2d = 1, padding: Padding2d,
    dilation: Size2d = 1, groups: Int = 1, relu: Bool = false
  ) throws -> Tensor {
    try convolution("conv2d", weight, bias, stride, padding, dilation, groups, relu)
  }

  /// One-dimensional cross-correlation: `conv2d` over images of one row.
  ///
  /// Shapes: x `[batch, length, in]`, weight `[kernel, in / groups, out]`, bias `[out]`, y
  /// `[batch, ol, out]`. Counterpart: `torch.nn.functional.conv1d`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  public func conv1d(
    _ weight: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Padding1d = 0,
    dilation: Int = 1, groups: Int = 1, relu: Bool = false
  ) throws -> Tensor {
    guard shape.rank == 3, weight.shape.rank == 3 else {
      throw TensorError(
        op: "conv1d",
        "input has shape \(shape), weight \(weight.shape); expected [batch, length, in] and "
          + "[kernel, in / groups, out]")
    }
    return try asRow().convolution(
      "conv1d", weight.reshape(weight.shape.prepending(1)), bias, Size2d(1, stride), padding.rows,
      Size2d(1, dilation), groups, relu
    ).fromRow()
  }

  private func convolution(
    _ op: String, _ weight: Tensor, _ bias: Tensor?, _ stride: Size2d, _ padding: Padding2d,
    _ dilation: Size2d, _ groups: Int, _ relu: Bool
  ) throws -> Tensor {
    try requireReal(op: op)
    guard shape.rank == 4, weight.shape.rank == 4, weight.dtype == dtype else {
      throw TensorError(
        op: op,
        "input has shape \(shape), weight \(weight.shape); expected [batch, height, width, in] "
          + "and [kh, kw, in, out]")
    }
    try requireImages(op: op)
    let channels = weight.shape[3]
    guard groups > 0, channels.isMultiple(of: groups), shape[3].isMultiple(of: groups) else {
      throw TensorError(
        op: op,
        "\(shape[3]) input and \(channels) output channels do not divide into \(groups) groups")
    }
    guard shape[3] / groups == weight.shape[2] else {
      throw TensorError(
        op: op,
        groups == 1
          ? "input has \(counted(shape[3], "channel")), weight expects \(weight.shape[2])"
          : "input has \(counted(shape[3], "channel")) in \(counted(groups, "group")), weight expects \(weight.shape[2]) "
            + "in each")
    }
    try requireBias(op: op, bias, channels)
    let window = Window2d(
      kernel: Size2d(weight.shape[0], weight.shape[1]), stride: stride, padding: padding,
      dilation: dilation)
    let size = try window.output(op: op, height: shape[1], width: shape[2])
    let y = try Tensor.empty(
      [shape[0], size.height, size.width, channels], dtype: dtype, context: context)
    let plan = try ConvolutionPlan(
      op: op, dense: self, window: window, groups: groups, sparse: y)
    if context.isDecomposing {
      let product = ConvolutionProducts(
        plan: plan, dense: shape, weight: weight.shape, sparse: y.shape)
      let sum = try product.sparse(self, weight).plus(bias)
      return relu ? try sum.relu() : sum
    }
    try plan.forward(pointer, weight.pointer, bias, y, relu: relu)
    return context.record(
      y, from: self, weight, bias, op: "conv2d",
      multiplyAdds: y.count * weight.count / max(channels, 1)
    ) { [self] dy in
      if relu { dy.maskByReLU(of: y) }
      try bias?.addColumnSums(dy, rows: plan.rows)
      try weight.addGradient { dw, accumulate in
        try plan.backwardWeight(pointer, dy.pointer, into: dw, accumulate)
      }
      try addGradient { dx, accumulate in
        try plan.backwardInput(dy.pointer, weight.pointer, into: dx, accumulate)
      }
    }
  }

  /// Throws unless a bias, where there is one, has a value per output channel.
  func requireBias(op: String, _ bias: Tensor?, _ channels: Int) throws {
    guard let bias, bias.shape != [channels] || bias.dtype != dtype else { return }
    guard bias.shape == [channels] else {
      throw TensorError(op: op, "bias has shape \(bias.shape), weight expects [\(channels)]")
    }
    throw TensorError(op: op, "bias is \(bias.dtype), input \(dtype)")
  }
}

/// The zeros before and behind a sequence; an integer literal means both.
public enum Padding1d: Hashable, Sendable, ExpressibleByIntegerLiteral {
  /// Elements added on each side.
  case sides(left: Int, right: Int)
  /// As many as keep the length, for stride 1; an odd one goes to the right.
  case same

  /// Makes a padding of as many elements on both sides.
  public init(_ count: Int) { self = .sides(left: count, right: count) }

  /// Makes a padding of as many elements on both sides.
  public init(integerLiteral value: Int) { self.init(value) }

  /// The padding of an image of one row.
  package var rows: Padding2d {
    switch self {
    case .same: .same
    case .sides(let left, let right): .sides(top: 0, bottom: 0, left: left, right: right)
    }
  }
}

extension Tensor {
  /// `[batch, length, channels]` as images of one row.
  func asRow() throws -> Tensor { try reshape([shape[0], 1, shape[1], shape[2]]) }

  /// Images of one row as `[batch, length, channels]`.
  func fromRow() throws -> Tensor { try reshape([shape[0], shape[2], shape[3]]) }
}
