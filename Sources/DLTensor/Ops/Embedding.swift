import CKernels
import DLCluster
import Glibc

extension Tensor {
  /// Looks rows of a table up: `y[i] = weight[self[i]]`.
  ///
  /// The gradient is added to the rows that occur, straight in the memory of the table's gradient,
  /// each row's sum taken in double in the order of the positions. Row `paddingIndex` gets none.
  ///
  /// Shapes: self int32 `[...]`, weight `[entries, size]`, y `[..., size]`. Counterpart:
  /// `torch.nn.functional.embedding`.
  ///
  /// - Throws: ``TensorError`` for an index outside the table.
  public func embedding(_ weight: Tensor, paddingIndex: Int? = nil) throws -> Tensor {
    let table = try EmbeddingTable("embedding", weight, paddingIndex: paddingIndex)
    try table.requireInside(self)
    guard shape.rank < Shape.maximumRank else {
      throw TensorError(op: "embedding", "indices of shape \(shape) leave no axis for the rows")
    }
    func lookedUp(_ weight: Tensor) throws -> Tensor {
      try weight.filled(Shape(shape.dimensions + [table.width])) { y in
        dl_gather_rows(weight.dtype.kernel, weight.pointer, int32s, count, table.width, y)
      }
    }
    let y = try lookedUp(weight)
    if context.isDecomposing {
      // The row of padding gives its values and gets no gradient, so that the gradient transposes
      // the lookup in a table where that row is 0.
      let gradient = LinearOperator(
        op: "embedding", map: { try table.gradient($0, at: self) },
        transposedMap: { sums in
          guard let paddingIndex else { return try lookedUp(sums) }
          let (others, rowBytes) = (try sums.copied(), sums.byteCount / table.entries)
          memset(others.pointer + paddingIndex * rowBytes, 0, rowBytes)
          return try lookedUp(others)
        })
      return context.record(y, Pullback(weight) { try gradient($0) })
    }
    return context.record(y, from: weight) { [self] dy in
      try table.addGradient(dy, at: self, from: nil, scale: nil)
    }
  }

  /// Scales the rows of this table that `indices` name, on any rank, down to the norm `maxNorm`, in
  /// place and unrecorded.
  ///
  /// A row whose `normType`-norm is larger is multiplied by `maxNorm / (norm + 1e-7)`. All ranks
  /// have to call it, since each keeps the whole table. Counterpart: what `max_norm` does in
  /// `torch.nn.functional.embedding`.
  ///
  /// - Throws: ``TensorError`` for an index outside the table, where the table is no matrix, or
  ///   where there is no memory; `ClusterError` where a rank has failed or is lost.
  package func renormalizeRows(usedBy indices: Tensor, maxNorm: Double, normType: Double = 2) throws
  {
    let table = try EmbeddingTable("embedding", self, paddingIndex: nil)
    guard indices.dtype == .int32 else { return try table.requireInside(indices) }
    let used = try Tensor.zeros([table.entries], dtype: .float32, context: context)
    dl_mark_rows(
      indices.int32s, indices.count, table.entries,
      used.pointer.assumingMemoryBound(to: Float.self))
    if context.communicator.size > 1 {
      try context.communicator.allreduceSum(
        used.pointer, count: table.entries, type: .float32)
    }
    dl_renormalize_rows(
      dtype.kernel, pointer, table.entries, table.width,
      used.pointer.assumingMemoryBound(to: Float.self), maxNorm, normType)
    // Only now, so that no rank waits for one whose index is wrong.
    try table.requireInside(indices)
  }

  /// Scales every row of the last axis whose norm is above `maxNorm` down to it, in place and
  /// unrecorded.
  ///
  /// - Throws: ``TensorError`` for another type than float32 and float64.
  package func renormalizeRows(maxNorm: Double, normType: Double = 2) throws {
    try requireReal(op: "renormalize")
    dl_renormalize_rows(
      dtype.kernel, pointer, shape.leading, shape.last, nil, maxNorm, normType)
  }
}

/// A table `[entries, width]` whose rows are looked up, and how gradients get back into it.
struct EmbeddingTable {
  let op: String
  let weight: Tensor
  let padding: Int
  var entries: Int { weight.shape[0] }
  var width: Int { weight.shape[1] }

  init(_ op: String, _ weight: Tensor, paddingIndex: Int?) throws {
    try weight.requireReal(op: op)
    guard weight.shape.rank == 2 else {
      throw TensorError(
        op: op, "weight has shape \(weight.shape), expected [entries, size]")
    }
    if let paddingIndex, !(0..<weight.shape[0]).contains(paddingIndex) {
      throw TensorError(
        op: op, "padding_idx \(paddingIndex) is not in 0 ..< \(weight.shape[0])")
    }
    self.op = op
    self.weight = weight
    padding = paddingIndex ?? -1
  }

  func requireInside(_ indices: Tensor) throws {
    guard indices.dtype == .int32 else {
      throw TensorError(
        op: op, "indices are \(indices.dtype) \(indices.shape), expected int32")
    }
    let first = dl_first_outside(indices.int32s, indices.count, entries)
    guard first == indices.count else {
      throw TensorError(
        op: op,
        "index \(indices.int32s[first]) at position \(first) of \(indices.shape) is not in "
          + "0 ..< \(entries)", exitCode: .data)
    }
  }

  /// Adds `scale[p] · dy[from[p]]` to row `indices[p]` of the gradient, for every position p.
  func addGradient(_ dy: Tensor, at indices: Tensor, from: Tensor?, scale: Tensor?) throws {
    try weight.addGradient {
      try addGradient(dy, at: indices, from: from, scale: scale, to: $0, $1)
    }
  }

  /// The same as a tensor of its own, not recorded.
  func gradient(_ dy: Tensor, at indices: Tensor, from: Tensor? = nil, scale: Tensor? = nil) throws
    -> Tensor
  {
    try weight.filled(weight.shape) {
      try addGradient(dy, at: indices, from: from, scale: scale, to: $0, 0)
    }
  }

  /// The same to the memory of a table, or in place of what it holds.
  private func addGradient(
    _ dy: Tensor, at indices: Tensor, from: Tensor?, scale: Tensor?,
    to target: UnsafeMutableRawPointer, _ accumulate: Int32
  ) throws {
    let context = weight.context
    let start = try Tensor.empty([entries + 1], dtype: .int32, context: context)
    let order = try Tensor.empty([indices.count], dtype: .int32, context: context)
    let sums = try Tensor.empty([width], dtype: .float64, context: context)
    dl_positions_by_row(indices.int32s, indices.count, entries, start.int32s, order.int32s)
    dl_segment_sums(
      weight.dtype.kernel, dy.pointer, width, start.int32s, entries, order.int32s, from?.int32s,
      scale?.pointer, padding, sums.float64s, target, accumulate)
  }
}
