import CKernels

extension Tensor {
  /// Attention, `softmax(scale · q kᵀ + mask) v` for every head; the queries are this tensor.
  ///
  /// Shapes: self `[batch, heads, queries, width]`, key `[batch, heads, keys, width]`, value
  /// `[batch, heads, keys, any]`, the result `[batch, heads, queries, any]`. `scale` is 1/√width by
  /// default. Vaswani et al. 2017, equation 1. Counterpart:
  /// `torch.nn.functional.scaled_dot_product_attention`.
  ///
  /// - Parameter dropout: the probability to zero a weight and the key of the draws, as in
  ///   ``dropout(_:key:firstRow:)`` of the weights `[batch, heads, queries, keys]`.
  /// - Throws: ``TensorError`` for shapes or types that do not fit, or where there is no memory.
  public func scaledDotProductAttention(
    _ key: Tensor, _ value: Tensor, mask: AttentionMask = AttentionMask(), scale: Double? = nil,
    dropout: (p: Double, key: RandomKey)? = nil
  ) throws -> Tensor {
    try Tensor.attention(
      AttentionInput(self), AttentionInput(key), AttentionInput(value), mask: mask, scale: scale,
      dropout: dropout)
  }

  /// Attention over heads that lie anywhere in their tensors; without copies of them.
  ///
  /// The result lies as the query: `[batch, heads, queries, width]` or `[batch, queries, heads ·
  /// width]`, the width being the value's. For each block of about 64 queries of a head the scores are a
  /// matrix product; the rest is one pass over them; then another product. Keys that causality or a
  /// window mask for a whole block are left out. Recording keeps the weights, batch · heads · queries
  /// · keys elements, where they take no more than `keptBytes`; backward computes those of larger
  /// attentions again, a block at a time, as in Dao et al. 2022, FlashAttention, section 3.1.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package static func attention(
    _ query: AttentionInput, _ key: AttentionInput, _ value: AttentionInput,
    mask: AttentionMask = AttentionMask(), scale: Double? = nil,
    dropout: (p: Double, key: RandomKey)? = nil, keptBytes: Int = 8 << 20
  ) throws -> Tensor {
    let op = try Attention(query, key, value, mask, scale, dropout, keptBytes)
    let inputs = [query.tensor, key.tensor, value.tensor]
    let context = query.tensor.context
    let isRecorded =
      context.isRecording
      && (inputs + [mask.bias].compactMap(\.self)).contains { $0.requiresGradient }
    // The masks of dropout are those of the fused op alone.
    if context.isDecomposing, op.dropout == nil {
      return try decomposedAttention(query, key, value, mask: mask, scale: op.scale)
    }
    let (y, weights) = try op.forward(recording: isRecorded)
    return context.record(
      y, from: query.tensor, key.tensor, value.tensor, mask.bias, multiplyAdds: op.multiplyAdds
    ) { dy in try op.backward(dy, weights) }
  }
}

/// One attention: its checked operands and its two passes.
private struct Attention {
  let (query, key, value): (AttentionInput, AttentionInput, AttentionInput)
  let mask: CheckedMask
  let scale: Double
  let dropout: (p: Double, key: RandomKey)?
  let firstRow: Int
  let keptBytes: Int
  let dtype: DType
  /// The type that its products are computed in.
  let product: dl_dtype
  let context: Context
  let (batch, heads, queries, keys): (Int, Int, Int, Int)

  init(
    _ query: AttentionInput, _ key: AttentionInput, _ value: AttentionInput, _ mask: AttentionMask,
    _ scale: Double?, _ dropout: (p: Double, key: RandomKey)?, _ keptBytes: Int
  ) throws {
    (self.query, self.key, self.value) = (query, key, value)
    (dtype, product) = (query.tensor.dtype, query.tensor.productType)
    context = query.tensor.context
    for input in [query, key, value] { try input.tensor.requireReal(op: "attention") }
    guard key.batch == query.batch, value.batch == query.batch, key.heads == query.heads,
      value.heads == query.heads, key.width == query.width, value.time == key.time,
      key.tensor.dtype == dtype, value.tensor.dtype == dtype
    else {
      throw TensorError(
        op: "attention",
        "query, key and value \(query.extents), \(key.extents) and \(value.extents) do not fit; "
          + "expected [batch, heads, queries, width], [batch, heads, keys, width] and "
          + "[batch, heads, keys, any]")
    }
    if let p = dropout?.p, !(p >= 0 && p < 1) {
      throw TensorError(op: "attention", "dropout is \(p), expected 0 <= p < 1")
    }
    (batch, heads, queries, keys) = (query.batch, query.heads, query.time, key.time)
    self.mask = try CheckedMask(
      "attention", mask, [batch, heads, queries, keys], dtype: dtype)
    self.scale = scale ?? 1 / Double(query.width).squareRoot()
    self.dropout = dropout.flatMap { $0.p > 0 ? $0 : nil }
    firstRow = context.rowOffset
    self.keptBytes = keptBytes
  }

  /// The products of the scores and of the values, masked ones among them.
  var multiplyAdds: Int { batch * heads * queries * keys * (query.width + value.width) }

  /// Bytes of one head's weights.
  private var headSize: Int { queries * keys * dtype.byteCount }

  /// True if backward finds the weights of every head in memory, rather than computing a block's
  /// again from queries and keys: the same numbers either way, so size alone decides.
  private var keepsWeights: Bool { batch * heads * headSize <= keptBytes }

  /// The result, and the weights `[batch, heads, queries, keys]` if backward needs them.
  func forward(recording: Bool) throws -> (Tensor, Tensor?) {
    let shape: Shape =
      query.isHeadMajor
      ? [batch, heads, queries, value.width] : [batch, queries, heads * value.width]
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    let output = try output(y)
    let kept = recording && keepsWeights ? try empty([batch, heads, queries, keys]) : nil
    let scratch = kept == nil ? try block() : nil
    let dropped = dropout == nil ? nil : try block()
    forEachBlock { block in
      let weights = kept.map { $0.pointer + offset(block) } ?? scratch!.pointer
      weigh(block, into: weights)
      let factors = dropped?.pointer ?? weights
      drop(block, weights, into: factors)
      gemm(
        product, m: block.queries.count, n: value.width, k: block.keys.count,
        factors + at(0, block.keys.lowerBound), lda: keys, value.first(block, block.keys),
        ldb: value.rowStep, beta: 0, y.pointer + output.bytes(block, block.queries),
        ldc: output.rowStep)
    }
    return (y, kept)
  }

  /// With A = dropout(P), P the weights and S the scores: dV = Aᵀ dY, dA = dY Vᵀ, dS = P (dP - Σ P
  /// dP), dQ = scale dS K, dK = scale dSᵀ Q.
  func backward(_ dy: Tensor, _ kept: Tensor?) throws {
    let output = try output(dy)
    let (dq, dk, dv) = (
      try gradient(query.tensor), try gradient(key.tensor), try gradient(value.tensor)
    )
    let dbias = try mask.mask.bias.flatMap { try gradient($0) }
    let scratch = kept == nil ? try block() : nil
    let dropped = dropout == nil ? nil : try block()
    let slopes = try block()
    forEachBlock { block in
      let (rows, seen) = (block.queries, block.keys)
      let weights = kept.map { $0.pointer + offset(block) } ?? scratch!.pointer
      if kept == nil { weigh(block, into: weights) }
      let upstream = dy.pointer + output.bytes(block, rows)
      let slope = slopes.pointer + at(0, seen.lowerBound)
      gemm(
        product, transposeB: true, m: rows.count, n: seen.count, k: value.width, upstream,
        lda: output.rowStep, value.first(block, seen), ldb: value.rowStep, beta: 0, slope,
        ldc: keys)
      if let dv {
        let factors = dropped?.pointer ?? weights
        drop(block, weights, into: factors)
        gemm(
          product, transposeA: true, m: seen.count, n: value.width, k: rows.count,
          factors + at(0, seen.lowerBound), lda: keys, upstream, ldb: output.rowStep, beta: 1,
          dv + value.bytes(block, seen), ldc: value.rowStep)
      }
      if let dropout {
        dl_dropout_backward_part(
          dtype.kernel, slopes.pointer, rows.count * keys, UInt64(firstRow + block.batch),
          UInt64(element(block)), dropout.key.value, dropout.p, slopes.pointer, 0)
      }
      dl_masked_softmax_backward(
        dtype.kernel, weights, rows.count, keys, seen.lowerBound, seen.upperBound, slopes.pointer)
      if let dbias {
        dl_attention_bias_backward(
          dtype.kernel, slopes.pointer, rows.count, keys, seen.lowerBound, seen.upperBound,
          mask.biasSteps[2], mask.biasSteps[3],
          dbias + mask.biasOffset(block.batch, block.head)
            + at(rows.lowerBound, mask.biasSteps[2], 0))
      }
      if let dq {
        gemm(
          product, m: rows.count, n: query.width, k: seen.count, alpha: scale, slope, lda: keys,
          key.first(block, seen), ldb: key.rowStep, beta: 1, dq + query.bytes(block, rows),
          ldc: query.rowStep)
      }
      if let dk {
        gemm(
          product, transposeA: true, m: seen.count, n: key.width, k: rows.count, alpha: scale,
          slope,
          lda: keys, query.first(block, rows), ldb: query.rowStep, beta: 1,
          dk + key.bytes(block, seen), ldc: key.rowStep)
      }
    }
  }

  /// The weights of a block's queries, `[queries, keys]` of all keys.
  private func weigh(_ block: AttentionBlock, into weights: UnsafeMutableRawPointer) {
    let (rows, seen) = (block.queries, block.keys)
    gemm(
      product, transposeB: true, m: rows.count, n: seen.count, k: query.width, alpha: scale,
      query.first(block, rows), lda: query.rowStep, key.first(block, seen), ldb: key.rowStep,
      beta: 0, weights + at(0, seen.lowerBound), ldc: keys)
    var kernel = mask.kernel(block.batch, block.head)
    dl_masked_softmax(dtype.kernel, &kernel, rows.lowerBound, rows.count, keys, weights)
  }

  /// A block's weights after dropout.
  private func drop(
    _ block: AttentionBlock, _ weights: UnsafeMutableRawPointer,
    into dropped: UnsafeMutableRawPointer
  ) {
    guard let dropout else { return }
    dl_dropout_forward_part(
      dtype.kernel, weights, block.queries.count * keys, UInt64(firstRow + block.batch),
      UInt64(element(block)), dropout.key.value, dropout.p, dropped)
  }

  /// Runs `body` for the blocks of all heads of all batch rows, in order.
  private func forEachBlock(_ body: (AttentionBlock) -> Void) {
    for row in 0..<batch {
      let blocks = mask.blocks(row)
      for head in 0..<heads {
        for (queries, keys) in blocks {
          body(AttentionBlock(batch: row, head: head, queries: queries, keys: keys))
        }
      }
    }
  }

  /// The number of a block's first weight in its batch row.
  private func element(_ block: AttentionBlock) -> Int {
    (block.head * queries + block.queries.lowerBound) * keys
  }

  /// Bytes from the weights' first to a block's.
  private func offset(_ block: AttentionBlock) -> Int {
    block.batch * heads * headSize + element(block) * dtype.byteCount
  }

  /// The heads of the result, or of its gradient.
  private func output(_ y: Tensor) throws -> AttentionInput {
    try query.isHeadMajor ? AttentionInput(y) : AttentionInput(y, heads: heads)
  }

  /// Bytes to an element of a matrix whose rows have one element per key.
  private func at(_ row: Int, _ column: Int) -> Int { at(row, keys, column) }

  private func at(_ row: Int, _ step: Int, _ column: Int) -> Int {
    (row * step + column) * dtype.byteCount
  }

  /// Memory for one block's rows.
  private func block() throws -> Tensor { try empty([CheckedMask.blockSize(queries), keys]) }

  private func empty(_ shape: Shape) throws -> Tensor {
    try Tensor.empty(shape, dtype: dtype, context: context)
  }

  /// The memory of a tensor's gradient, ready to be added to; nil where none is wanted.
  private func gradient(_ tensor: Tensor) throws -> UnsafeMutableRawPointer? {
    var result: UnsafeMutableRawPointer?
    try tensor.accumulateGradient { result = $0 }
    return result
  }
}

/// Some queries of a head of a batch row, with the keys that any of them may see.
private struct AttentionBlock {
  let (batch, head): (Int, Int)
  let (queries, keys): (Range<Int>, Range<Int>)
}

extension AttentionInput {
  /// Bytes to the first of some rows of a block's head.
  fileprivate func bytes(_ block: AttentionBlock, _ rows: Range<Int>) -> Int {
    bytes(block.batch, block.head, rows.lowerBound)
  }

  /// The first of some rows of a block's head.
  fileprivate func first(
    _ block: AttentionBlock, _ rows: Range<Int>
  ) -> UnsafeMutableRawPointer {
    tensor.pointer + bytes(block, rows)
  }
}
