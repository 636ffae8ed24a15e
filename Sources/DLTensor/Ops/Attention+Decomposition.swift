// Attention made of plain ops, which differentiate again.
extension AttentionInput {
  /// The heads as a tensor of their own, `[batch, heads, time, width]`.
  func separated() throws -> Tensor {
    if isHeadMajor { return tensor }
    return try tensor.narrow(2, start: offset, length: heads * width)
      .narrow(1, start: 0, length: time).reshape([batch, time, heads, width]).permute(0, 2, 1, 3)
  }
}

extension Tensor {
  /// The result of ``attention(_:_:_:mask:scale:dropout:)`` without dropout, for operands that were
  /// checked.
  static func decomposedAttention(
    _ query: AttentionInput, _ key: AttentionInput, _ value: AttentionInput, mask: AttentionMask,
    scale: Double
  ) throws -> Tensor {
    let scores =
      try query.separated().matmul(key.separated().permute(0, 1, 3, 2)) * scale
    let y = try scores.maskedSoftmax(mask).matmul(value.separated())
    if query.isHeadMajor { return y }
    return try y.permute(0, 2, 1, 3)
      .reshape([query.batch, query.time, query.heads * value.width])
  }
}
