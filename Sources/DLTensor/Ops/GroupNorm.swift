import CKernels

extension Tensor {
  /// Group normalization: `y = (x - mean) / √(variance + eps) · weight + bias`, with the statistics of
  /// each sample and each group of neighboring channels.
  ///
  /// Shapes: x `[batch, ..., channels]`; weight, bias `[channels]`. Wu and He 2018. Counterpart:
  /// `torch.nn.functional.group_norm`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, or groups that do not divide the channels.
  public func groupNorm(groups: Int, weight: Tensor?, bias: Tensor?, eps: Double = 1e-5) throws
    -> Tensor
  {
    try groupNorm("group_norm", groups, weight, bias, eps)
  }

  /// Instance normalization: group normalization with a group per channel.
  ///
  /// Shapes: x `[batch, ..., channels]`; weight, bias `[channels]`. Ulyanov et al. 2016. Counterpart:
  /// `torch.nn.functional.instance_norm` without running statistics.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, or one value per sample and channel.
  public func instanceNorm(weight: Tensor?, bias: Tensor?, eps: Double = 1e-5) throws -> Tensor {
    guard shape.rank >= 3, shape.product(1..<shape.rank - 1) > 1 else {
      throw TensorError(
        op: "instance_norm",
        "input has shape \(shape), expected several values per sample and channel")
    }
    return try groupNorm("instance_norm", shape.last, weight, bias, eps)
  }

  private func groupNorm(
    _ op: String, _ groups: Int, _ weight: Tensor?, _ bias: Tensor?, _ eps: Double
  ) throws -> Tensor {
    try requireReal(op: op)
    guard shape.rank >= 2, groups > 0, shape.last.isMultiple(of: groups) else {
      throw TensorError(
        op: op,
        "input has shape \(shape), expected [batch, ..., channels] with channels in \(groups) groups"
      )
    }
    let (batch, channels) = (shape[0], shape.last)
    for tensor in [weight, bias] {
      guard let tensor, tensor.shape != [channels] || tensor.dtype != dtype else { continue }
      throw TensorError(
        op: op, "input is \(dtype) \(shape), weight and bias \(tensor.dtype) \(tensor.shape)")
    }
    let area = shape.product(1..<shape.rank - 1)
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    let mean = try Tensor.empty([batch, groups], dtype: .float64, context: context)
    let scale = try Tensor.empty([batch, groups], dtype: .float64, context: context)
    let scratch = try Tensor.empty([2 * channels], dtype: .float64, context: context)
    dl_group_norm_forward(
      dtype.kernel, pointer, batch, area, channels, groups, weight?.pointer, bias?.pointer, eps,
      y.pointer, mean.float64s, scale.float64s, scratch.float64s)
    return context.record(y, from: self, weight, bias) { [self] dy in
      let scratch = try Tensor.empty([6 * channels], dtype: .float64, context: context)
      func backward(
        dx: UnsafeMutableRawPointer? = nil, dweight: UnsafeMutableRawPointer? = nil,
        dbias: UnsafeMutableRawPointer? = nil, _ accumulate: Int32
      ) {
        dl_group_norm_backward(
          dtype.kernel, pointer, dy.pointer, batch, area, channels, groups, weight?.pointer,
          mean.float64s, scale.float64s, dx, dweight, dbias, accumulate, scratch.float64s)
      }
      try weight?.addGradient { backward(dweight: $0, $1) }
      try bias?.addGradient { backward(dbias: $0, $1) }
      try addGradient { backward(dx: $0, $1) }
    }
  }
}
