import CKernels

/// The ways in which an embedding bag puts its rows together.
public enum EmbeddingBagMode: String, Sendable, CaseIterable {
  /// Their sum, weighted where weights are given.
  case sum
  /// Their mean.
  case mean
  /// The largest of each feature.
  case max
}

extension Tensor {
  /// Looks rows of a table up and puts those of each bag together.
  ///
  /// Bags are the rows of 2-d indices; with `offsets` bag b is `self[offsets[b] ..< offsets[b + 1]]`
  /// of 1-d indices, the last one going on to the end. Positions that hold `paddingIndex` do not
  /// count, and its row gets no gradient. An empty bag gives zeros.
  ///
  /// Shapes: self int32 `[bags, length]`, or `[positions]` with offsets int32 `[bags]`; weight
  /// `[entries, size]`; y `[bags, size]`. Weights of the samples, for sums alone, have the shape of
  /// the indices. Counterpart: `torch.nn.functional.embedding_bag`.
  ///
  /// - Throws: ``TensorError`` for an index outside the table and offsets that do not rise from 0.
  package func embeddingBag(
    _ weight: Tensor, offsets: Tensor? = nil, mode: EmbeddingBagMode = .mean,
    sampleWeights: Tensor? = nil, paddingIndex: Int? = nil
  ) throws -> Tensor {
    let table = try EmbeddingTable("embedding_bag", weight, paddingIndex: paddingIndex)
    let (dtype, width) = (weight.dtype, table.width)
    try table.requireInside(self)
    let start = try bagStarts(offsets)
    let bags = start.count - 1
    if let sampleWeights {
      guard mode == .sum, sampleWeights.shape == shape, sampleWeights.dtype == dtype else {
        throw TensorError(
          op: "embedding_bag",
          "sample weights are \(sampleWeights.dtype) \(sampleWeights.shape) in mode \(mode), "
            + "expected \(dtype) \(shape) in mode sum")
      }
    }
    if mode == .max {
      let y = try Tensor.empty([bags, width], dtype: dtype, context: context)
      let from = try Tensor.empty([bags, width], dtype: .int32, context: context)
      dl_bag_max(
        dtype.kernel, weight.pointer, width, int32s, start.int32s, bags, table.padding, y.pointer,
        from.int32s)
      if LinearOperator.isWanted(weight) {
        return try LinearOperator(
          op: "embeddingBag", map: { try $0.rowElements(from) },
          transposedMap: { dy in
            let sums = try Tensor.zeros(weight.shape, dtype: dtype, context: dy.context)
            dl_bag_max_backward(
              dtype.kernel, dy.pointer, from.int32s, bags, width, sums.pointer)
            return sums
          })(weight)
      }
      return context.record(y, from: weight) { dy in
        try weight.accumulateGradient {
          dl_bag_max_backward(dtype.kernel, dy.pointer, from.int32s, bags, width, $0)
        }
      }
    }
    let bag = try Tensor.empty([count], dtype: .int32, context: context)
    let scale = try Tensor.empty([count], dtype: dtype, context: context)
    let sums = try Tensor.empty([width], dtype: .float64, context: context)
    dl_bag_scales(
      dtype.kernel, int32s, start.int32s, bags,
      context.isDecomposing ? nil : sampleWeights?.pointer,
      mode == .mean ? 1 : 0, table.padding, bag.int32s, scale.pointer)
    if context.isDecomposing {
      let factors = try sampleWeights.map { try $0.reshape([count]) * scale } ?? scale
      // Padding is left out, whatever its row holds: 0 times it may be no number.
      let counts = (0..<count).map { Int(int32s[$0]) != table.padding }
      let mask = try Tensor.mask(counts, shape: [count, 1], context: context)
      let zero = try Tensor.zeros([], dtype: dtype, context: context)
      let rows =
        try weight.indexSelect(0, reshape([count])).where(mask, else: zero)
        * factors.reshape([count, 1])
      return try Tensor.zeros([bags, width], dtype: dtype, context: context)
        .indexAdd(0, bag, rows)
    }
    let y = try Tensor.empty([bags, width], dtype: dtype, context: context)
    dl_segment_sums(
      dtype.kernel, weight.pointer, width, start.int32s, bags, nil, int32s, scale.pointer, -1,
      sums.float64s, y.pointer, 0)
    return context.record(y, from: weight, sampleWeights) { [self] dy in
      try table.addGradient(dy, at: self, from: bag, scale: scale)
      try sampleWeights?.addGradient { target, accumulate in
        dl_bag_weight_backward(
          dtype.kernel, dy.pointer, weight.pointer, width, int32s, bag.int32s, count,
          table.padding, target, accumulate)
      }
    }
  }

  /// `y[bag, feature] = self[rows[bag, feature], feature]`, 0 for a negative row; not recorded.
  private func rowElements(_ rows: Tensor) throws -> Tensor {
    let y = try Tensor.zeros(rows.shape, dtype: dtype, context: context)
    let (width, size) = (shape[1], dtype.byteCount)
    for place in 0..<rows.count where rows.int32s[place] >= 0 {
      let source = Int(rows.int32s[place]) * width + place % width
      (y.pointer + place * size).copyMemory(from: pointer + source * size, byteCount: size)
    }
    return y
  }

  /// The places where each bag starts, and at last the number of positions; int32 `[bags + 1]`.
  private func bagStarts(_ offsets: Tensor?) throws -> Tensor {
    var starts: [Int32]
    if let offsets {
      guard shape.rank == 1, offsets.dtype == .int32, offsets.shape.rank == 1 else {
        throw TensorError(
          op: "embedding_bag",
          "indices have shape \(shape), offsets are \(offsets.dtype) \(offsets.shape); expected "
            + "[positions] and int32 [bags]")
      }
      starts = (0..<offsets.count).map { offsets.int32s[$0] } + [Int32(count)]
      guard starts[0] == 0, zip(starts, starts.dropFirst()).allSatisfy(<=) else {
        throw TensorError(
          op: "embedding_bag", "offsets need to rise from 0 to at most \(count) indices")
      }
    } else {
      guard shape.rank == 2 else {
        throw TensorError(
          op: "embedding_bag",
          "indices have shape \(shape), expected [bags, length], or offsets beside them")
      }
      starts = (0...shape[0]).map { Int32($0 * shape[1]) }
    }
    return try Tensor.labels(starts, context: context)
  }
}
