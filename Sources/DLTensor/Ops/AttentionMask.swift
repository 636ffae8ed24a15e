import CKernels

/// The keys that each query of an attention may see; all, unless restricted.
///
/// The restrictions hold together. A query that may see no key gets zeros.
public struct AttentionMask {
  /// Not 0 where a query may see a key; uint8, broadcast to `[batch, heads, queries, keys]`.
  ///
  /// True takes part, as in `torch.nn.functional.scaled_dot_product_attention`;
  /// `torch.nn.MultiheadAttention` has it the other way round.
  package var allowed: Tensor?
  /// Added to the scores, -∞ to mask; broadcast to `[batch, heads, queries, keys]`.
  ///
  /// Gradients flow to it.
  package var bias: Tensor?
  /// The number of valid keys of each batch row, the keys behind them being padding; int32
  /// `[batch]`.
  package var lengths: Tensor?
  /// True if queries see no key behind their own position.
  package var isCausal: Bool
  /// The largest distance between the positions of a query and a key that it sees.
  package var window: Int?
  /// The position, among the keys, of the first query; more than 0 where keys come from a cache.
  package var queryOffset: Int

  /// Makes a mask.
  ///
  /// Shapes: `allowed` and `bias` broadcast to `[batch, heads, queries, keys]`, `lengths` are int32
  /// `[batch]`.
  public init(
    allowed: Tensor? = nil, bias: Tensor? = nil, lengths: Tensor? = nil, isCausal: Bool = false,
    window: Int? = nil, queryOffset: Int = 0
  ) {
    self.allowed = allowed
    self.bias = bias
    self.lengths = lengths
    self.isCausal = isCausal
    self.window = window
    self.queryOffset = queryOffset
  }

  /// Every query sees its own position and those before it.
  public static var causal: AttentionMask { AttentionMask(isCausal: true) }
}

/// A mask checked against the extents of an attention, ready for the kernels.
struct CheckedMask {
  let mask: AttentionMask
  let dtype: DType
  /// `[batch, heads, queries, keys]`.
  let extents: Shape
  private let lengths: [Int]?
  private let allowedSteps: [Int]
  let biasSteps: [Int]

  init(_ op: String, _ mask: AttentionMask, _ extents: Shape, dtype: DType) throws {
    self.mask = mask
    self.extents = extents
    self.dtype = dtype
    guard (0...Int(Int32.max)).contains(mask.queryOffset), (mask.window ?? 0) >= 0 else {
      throw TensorError(
        op: op,
        "window \(mask.window ?? 0) and query offset \(mask.queryOffset) do not count keys")
    }
    func steps(_ tensor: Tensor?, _ name: String, _ expected: DType) throws -> [Int] {
      guard let tensor else { return [0, 0, 0, 0] }
      guard tensor.dtype == expected, tensor.shape.rank <= 4,
        Shape.broadcast(tensor.shape, extents) == extents
      else {
        throw TensorError(
          op: op,
          "\(name) is \(tensor.dtype) \(tensor.shape), expected \(expected) that broadcasts to "
            + "[batch, heads, queries, keys] = \(extents)")
      }
      var (steps, step) = ([0, 0, 0, 0], 1)
      for back in 0..<tensor.shape.rank {
        let extent = tensor.shape[-1 - back]
        steps[3 - back] = extent == 1 ? 0 : step
        step *= extent
      }
      return steps
    }
    allowedSteps = try steps(mask.allowed, "allowed", .uint8)
    biasSteps = try steps(mask.bias, "bias", dtype)
    lengths = try mask.lengths.map { tensor in
      guard tensor.dtype == .int32, tensor.shape == [extents[0]] else {
        throw TensorError(
          op: op, "lengths are \(tensor.dtype) \(tensor.shape), expected int32 [\(extents[0])]")
      }
      let lengths = (0..<tensor.count).map { Int(tensor.int32s[$0]) }
      if let row = lengths.firstIndex(where: { $0 < 0 || $0 > extents[3] }) {
        throw TensorError(
          op: op, "length \(lengths[row]) of row \(row) is not in 0 ... \(extents[3])")
      }
      return lengths
    }
  }

  /// The mask that the kernels read for one head of one batch row.
  func kernel(_ batch: Int, _ head: Int) -> dl_attention_mask {
    let allowed = mask.allowed.map {
      $0.pointer.assumingMemoryBound(to: UInt8.self) + batch * allowedSteps[0]
        + head * allowedSteps[1]
    }
    let bias = mask.bias.map { $0.pointer + biasOffset(batch, head) }
    return dl_attention_mask(
      first: mask.queryOffset, valid: valid(batch), causal: mask.isCausal ? 1 : 0,
      window: mask.window.map { min($0, Int(Int32.max)) } ?? -1, allowed: allowed,
      allowed_query: allowedSteps[2], allowed_key: allowedSteps[3], bias: bias,
      bias_query: biasSteps[2], bias_key: biasSteps[3])
  }

  /// Bytes from the bias's first element to that of a head.
  func biasOffset(_ batch: Int, _ head: Int) -> Int {
    (batch * biasSteps[0] + head * biasSteps[1]) * dtype.byteCount
  }

  /// The number of queries whose weights are in memory at a time: about 64, so that the last block is
  /// as long as the others, and not one query behind 64 of them.
  static func blockSize(_ queries: Int) -> Int {
    let count = max(1, (queries + 32) / 64)
    return max(1, (queries + count - 1) / count)
  }

  /// Runs of queries with the keys that any of them may see by position and length, so that the
  /// products leave out what is masked.
  func blocks(_ batch: Int) -> [(queries: Range<Int>, keys: Range<Int>)] {
    let (queries, valid) = (extents[2], valid(batch))
    let size = Self.blockSize(queries)
    return stride(from: 0, to: queries, by: size).map { first in
      let last = min(first + size, queries)
      let window = min(mask.window ?? Int(Int32.max), Int(Int32.max))
      let reach = mask.isCausal ? 0 : window
      let end = max(0, min(valid, last + mask.queryOffset + reach))
      let begin = min(max(0, first + mask.queryOffset - window), end)
      return (first..<last, begin..<end)
    }
  }

  private func valid(_ batch: Int) -> Int { lengths?[batch] ?? extents[3] }
}

extension Tensor {
  /// Softmax over the last axis, the keys, where the mask lets them be seen; 0 elsewhere.
  ///
  /// Shapes: `[batch, heads, queries, keys]` or `[batch, queries, keys]`, unchanged.
  ///
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func maskedSoftmax(_ mask: AttentionMask) throws -> Tensor {
    try requireReal(op: "masked_softmax")
    guard shape.rank == 3 || shape.rank == 4 else {
      throw TensorError(
        op: "masked_softmax",
        "scores have shape \(shape), expected [batch, queries, keys] or "
          + "[batch, heads, queries, keys]")
    }
    let (queries, keys) = (shape[-2], shape[-1])
    let extents: Shape = [shape[0], shape.rank == 3 ? 1 : shape[1], queries, keys]
    let checked = try CheckedMask("masked_softmax", mask, extents, dtype: dtype)
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    y.pointer.copyMemory(from: pointer, byteCount: byteCount)
    let size = queries * keys * dtype.byteCount
    for batch in 0..<extents[0] {
      for head in 0..<extents[1] {
        var kernel = checked.kernel(batch, head)
        dl_masked_softmax(
          dtype.kernel, &kernel, 0, queries, keys, y.pointer + (batch * extents[1] + head) * size)
      }
    }
    if context.isDecomposing {
      // A key that is masked has a weight of 0, and so no gradient.
      func slope(_ dy: Tensor) throws -> Tensor {
        try y * (dy - (dy * y).sum(axis: -1, keepsAxis: true))
      }
      return context.record(
        y, op: #function,
        [Pullback(self, slope)]
          + [mask.bias].compactMap(\.self).map { bias in
            Pullback(bias) { try slope($0).reshape(extents).summed(to: bias.shape) }
          })
    }
    return context.record(y, from: self, mask.bias) { [self] dy in
      dl_masked_softmax_backward(dtype.kernel, y.pointer, shape.leading, keys, 0, keys, dy.pointer)
      try mask.bias?.accumulateGradient { target in
        for batch in 0..<extents[0] {
          for head in 0..<extents[1] {
            dl_attention_bias_backward(
              dtype.kernel, dy.pointer + (batch * extents[1] + head) * size, queries, keys, 0,
              keys, checked.biasSteps[2], checked.biasSteps[3],
              target + checked.biasOffset(batch, head))
          }
        }
      }
      try receiveGradient(dy)
    }
  }
}
