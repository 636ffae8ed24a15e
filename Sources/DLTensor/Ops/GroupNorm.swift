import CKernels

extension Tensor {
  /// Group normalization: `y = (x - mean) / √(variance + eps) · weight + bias`, with the statistics of
  /// each sample and each group of neighboring channels.
  ///
  /// Of rows that are filled up the valid positions alone count, and padding becomes 0. Shapes: x
  /// `[batch, ..., channels]`; weight, bias `[channels]`. Wu and He 2018. Counterpart:
  /// `torch.nn.functional.group_norm`.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit, or groups that do not divide the channels.
  public func groupNorm(groups: Int, weight: Tensor?, bias: Tensor?, eps: Double = 1e-5) throws
    -> Tensor
  {
    try groupNorm("group_norm", groups, weight, bias, eps)
  }

  /// Instance normalization: ``groupNorm(groups:weight:bias:eps:)`` with a group per channel.
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
    let valid = try validParts(op)
    if context.isDecomposing, valid == nil {
      return try standardizedGroups(groups, area: area, eps: eps).times(weight).plus(bias)
    }
    let parts = valid ?? [(row: 0, offset: 0, rows: batch, area: area)]
    let y =
      try valid == nil
      ? Tensor.empty(shape, dtype: dtype, context: context)
      : Tensor.zeros(shape, dtype: dtype, context: context)
    let mean = try Tensor.empty([batch, groups], dtype: .float64, context: context)
    let scale = try Tensor.empty([batch, groups], dtype: .float64, context: context)
    let scratch = try Tensor.empty([2 * channels], dtype: .float64, context: context)
    for part in parts {
      dl_group_norm_forward(
        dtype.kernel, pointer + part.offset, part.rows, part.area, channels, groups,
        weight?.pointer, bias?.pointer, eps, y.pointer + part.offset,
        mean.float64s + part.row * groups, scale.float64s + part.row * groups, scratch.float64s)
    }
    return context.record(y, from: self, weight, bias) { [self] dy in
      let scratch = try Tensor.empty([6 * channels], dtype: .float64, context: context)
      func backward(
        dx: UnsafeMutableRawPointer? = nil, dweight: UnsafeMutableRawPointer? = nil,
        dbias: UnsafeMutableRawPointer? = nil, _ accumulate: Int32
      ) {
        for part in parts {
          dl_group_norm_backward(
            dtype.kernel, pointer + part.offset, dy.pointer + part.offset, part.rows, part.area,
            channels, groups, weight?.pointer, mean.float64s + part.row * groups,
            scale.float64s + part.row * groups, dx.map { $0 + part.offset }, dweight, dbias,
            accumulate, scratch.float64s)
        }
      }
      func add(
        to tensor: Tensor?, _ body: (UnsafeMutableRawPointer, Int32) throws -> Void
      ) throws {
        guard valid != nil else { return try tensor?.addGradient(body) ?? () }
        // Padding gets nothing, and what rows give by themselves is added up.
        try tensor?.accumulateGradient { try body($0, 1) }
      }
      try add(to: weight) { backward(dweight: $0, $1) }
      try add(to: bias) { backward(dbias: $0, $1) }
      try add(to: self) { backward(dx: $0, $1) }
    }
  }

  /// Rows that lie one behind the other: the first of them, where it begins in bytes, how many they are,
  /// and the positions of each.
  private typealias Part = (row: Int, offset: Int, rows: Int, area: Int)

  /// Each row without its padding, but those of no length; nil where nothing is padding.
  private func validParts(_ op: String) throws -> [Part]? {
    guard let lengths, shape.rank >= 3 else { return nil }
    let (batch, step) = (shape[0], shape.product(2..<shape.rank - 1))
    try requireLengths(op, lengths, batch, upTo: shape[1])
    guard (0..<batch).contains(where: { Int(lengths.int32s[$0]) < shape[1] }) else { return nil }
    let rowBytes = shape.product(1..<shape.rank) * dtype.byteCount
    return (0..<batch).filter { lengths.int32s[$0] > 0 }.map { row in
      (row, row * rowBytes, 1, Int(lengths.int32s[row]) * step)
    }
  }
}
