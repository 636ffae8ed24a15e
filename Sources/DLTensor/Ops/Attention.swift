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
  /// width]`, the width being the value's. For each head the scores are a matrix product; the rest
  /// is one pass over them; then another product. Where causality or a window masks whole blocks of
  /// 64 queries, the products leave them out. Recording keeps the weights: batch · heads · queries ·
  /// keys elements, as bfloat16 where products are of that type.
  ///
  /// - Throws: ``TensorError`` for shapes that do not fit.
  package static func attention(
    _ query: AttentionInput, _ key: AttentionInput, _ value: AttentionInput,
    mask: AttentionMask = AttentionMask(), scale: Double? = nil,
    dropout: (p: Double, key: RandomKey)? = nil
  ) throws -> Tensor {
    let op = try Attention(query, key, value, mask, scale, dropout)
    let inputs = [query.tensor, key.tensor, value.tensor]
    let context = query.tensor.context
    let isKept =
      context.isRecording
      && (inputs + [mask.bias].compactMap(\.self)).contains { $0.requiresGradient }
    // The masks of dropout are those of the fused op alone.
    if context.isDecomposing, op.dropout == nil {
      return try decomposedAttention(query, key, value, mask: mask, scale: op.scale)
    }
    let (y, weights) = try op.forward(keepingWeights: isKept)
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
  let dtype: DType
  /// What its products are computed in.
  let product: dl_dtype
  let context: Context
  let (batch, heads, queries, keys): (Int, Int, Int, Int)

  init(
    _ query: AttentionInput, _ key: AttentionInput, _ value: AttentionInput, _ mask: AttentionMask,
    _ scale: Double?, _ dropout: (p: Double, key: RandomKey)?
  ) throws {
    (self.query, self.key, self.value) = (query, key, value)
    for input in [query, key, value] { try input.tensor.requireReal(op: "attention") }
    (dtype, product) = (query.tensor.dtype, query.tensor.productType)
    context = query.tensor.context
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
  }

  /// The products of the scores and of the values, masked ones among them.
  var multiplyAdds: Int { batch * heads * queries * keys * (query.width + value.width) }

  /// Bytes of one head's weights.
  private var headSize: Int { queries * keys * dtype.byteCount }

  /// The result, and the weights `[batch, heads, queries, keys]` if they are to be kept.
  func forward(keepingWeights: Bool) throws -> (Tensor, Tensor) {
    let shape: Shape =
      query.isHeadMajor
      ? [batch, heads, queries, value.width] : [batch, queries, heads * value.width]
    let y = try Tensor.empty(shape, dtype: dtype, context: context)
    let output = try output(y)
    let halves = keepingWeights && product == DL_BF16 ? try scores(batch: batch, .bfloat16) : nil
    let keepsAll = keepingWeights && halves == nil
    let weights = try scores(batch: keepsAll ? batch : 1)
    let dropped = dropout == nil ? nil : try scores(batch: 1)
    for row in 0..<batch {
      let blocks = mask.blocks(row)
      let kept = weights.pointer + (keepsAll ? row * heads * headSize : 0)
      for head in 0..<heads {
        var kernel = mask.kernel(row, head)
        for (queries, keys) in blocks {
          let target = kept + head * headSize + at(queries.lowerBound, 0)
          gemm(
            product, transposeB: true, m: queries.count, n: keys.count, k: query.width,
            alpha: scale,
            query.row(row, head, queries), lda: query.rowStep, key.row(row, head, keys),
            ldb: key.rowStep, beta: 0, target + at(0, keys.lowerBound), ldc: self.keys)
          dl_masked_softmax(
            dtype.kernel, &kernel, queries.lowerBound, queries.count, self.keys, target)
        }
      }
      if let halves {
        let count = heads * queries * keys
        dl_bfloat16_narrow(
          kept.assumingMemoryBound(to: Float.self), count,
          halves.pointer.assumingMemoryBound(to: UInt16.self) + row * count)
      }
      drop(kept, row, into: dropped)
      for head in 0..<heads {
        let factors = (dropped?.pointer ?? kept) + head * headSize
        for (queries, keys) in blocks {
          gemm(
            product, m: queries.count, n: value.width, k: keys.count,
            factors + at(queries.lowerBound, keys.lowerBound), lda: self.keys,
            value.row(row, head, keys), ldb: value.rowStep, beta: 0,
            y.pointer + output.bytes(row, head, queries.lowerBound), ldc: output.rowStep)
        }
      }
    }
    return (y, halves ?? weights)
  }

  /// With A = dropout(P), P the weights and S the scores: dV = Aᵀ dY, dA = dY Vᵀ, dS = P (dP - Σ P
  /// dP), dQ = scale dS K, dK = scale dSᵀ Q.
  func backward(_ dy: Tensor, _ weights: Tensor) throws {
    let output = try output(dy)
    let (dq, dk, dv) = (
      try gradient(query.tensor), try gradient(key.tensor), try gradient(value.tensor)
    )
    let dbias = try mask.mask.bias.flatMap { try gradient($0) }
    let dropped = dropout == nil ? nil : try scores(batch: 1)
    let slopes = try scores(batch: 1)
    let widened = weights.dtype == .bfloat16 ? try scores(batch: 1) : nil
    for row in 0..<batch {
      let blocks = mask.blocks(row)
      let kept = widened?.pointer ?? weights.pointer + row * heads * headSize
      if let widened {
        let halves = weights.pointer.assumingMemoryBound(to: UInt16.self) + row * widened.count
        dl_bfloat16_widen(
          halves, widened.count, widened.pointer.assumingMemoryBound(to: Float.self))
      }
      drop(kept, row, into: dropped)
      for head in 0..<heads {
        let factors = (dropped?.pointer ?? kept) + head * headSize
        for (queries, keys) in blocks {
          let upstream = dy.pointer + output.bytes(row, head, queries.lowerBound)
          let place = at(queries.lowerBound, keys.lowerBound)
          gemm(
            product, transposeB: true, m: queries.count, n: keys.count, k: value.width, upstream,
            lda: output.rowStep, value.row(row, head, keys), ldb: value.rowStep, beta: 0,
            slopes.pointer + head * headSize + place, ldc: self.keys)
          guard let dv else { continue }
          gemm(
            product, transposeA: true, m: keys.count, n: value.width, k: queries.count,
            factors + place, lda: self.keys, upstream, ldb: output.rowStep, beta: 1,
            dv + value.bytes(row, head, keys.lowerBound), ldc: value.rowStep)
        }
      }
      if let dropout {
        dl_dropout_backward(
          dtype.kernel, slopes.pointer, 1, heads * queries * keys, UInt64(firstRow + row),
          dropout.key.value, dropout.p, slopes.pointer, 0)
      }
      for head in 0..<heads {
        for (queries, keys) in blocks {
          let start = head * headSize + at(queries.lowerBound, 0)
          let slope = slopes.pointer + start
          dl_masked_softmax_backward(
            dtype.kernel, kept + start, queries.count, self.keys, keys.lowerBound, keys.upperBound,
            slope)
          if let dbias {
            dl_attention_bias_backward(
              dtype.kernel, slope, queries.count, self.keys, keys.lowerBound, keys.upperBound,
              mask.biasSteps[2], mask.biasSteps[3],
              dbias + mask.biasOffset(row, head) + at(queries.lowerBound, mask.biasSteps[2], 0))
          }
          if let dq {
            gemm(
              product, m: queries.count, n: query.width, k: keys.count, alpha: scale,
              slope + at(0, keys.lowerBound), lda: self.keys, key.row(row, head, keys),
              ldb: key.rowStep, beta: 1, dq + query.bytes(row, head, queries.lowerBound),
              ldc: query.rowStep)
          }
          if let dk {
            gemm(
              product, transposeA: true, m: keys.count, n: key.width, k: queries.count,
              alpha: scale,
              slope + at(0, keys.lowerBound), lda: self.keys, query.row(row, head, queries),
              ldb: query.rowStep, beta: 1, dk + key.bytes(row, head, keys.lowerBound),
              ldc: key.rowStep)
          }
        }
      }
    }
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

  private func scores(batch: Int, _ type: DType? = nil) throws -> Tensor {
    try Tensor.empty([batch, heads, queries, keys], dtype: type ?? dtype, context: context)
  }

  /// One batch row's weights after dropout.
  private func drop(_ weights: UnsafeMutableRawPointer, _ row: Int, into dropped: Tensor?) {
    guard let dropout, let dropped else { return }
    dl_dropout_forward(
      dtype.kernel, weights, 1, heads * queries * keys, UInt64(firstRow + row), dropout.key.value,
      dropout.p, dropped.pointer)
  }

  /// The memory of a tensor's gradient, ready to be added to; nil where none is wanted.
  private func gradient(_ tensor: Tensor) throws -> UnsafeMutableRawPointer? {
    var result: UnsafeMutableRawPointer?
    try tensor.accumulateGradient { result = $0 }
    return result
  }
}

extension AttentionInput {
  /// The first of some rows of a head.
  fileprivate func row(_ batch: Int, _ head: Int, _ rows: Range<Int>) -> UnsafeMutableRawPointer {
    tensor.pointer + bytes(batch, head, rows.lowerBound)
  }
}
