import CKernels

/// A block as the product of two thin matrices: PowerSGD (Vogels, Karimireddy, Jaggi 2019).
///
/// `M` is close to `P * Q^T`, with `P = orthonormal(M * Q')` and `Q = M^T * P`, where `Q'` is the `Q`
/// of the last step, and random at first.
///
/// The paper reduces `P` and `Q` over all workers, whose sum it approximates; here the owner of a
/// block gets both factors of every domain, so that one message does, and each domain's own sum is
/// approximated. `M` is the block with the rows of its tensor, or where they are too long or too
/// short to save half seen as a near-square matrix, and not the whole tensor. Blocks of up to 256 elements are sent whole, as the paper does with vectors.
package struct PowerSGDCodec: GradientCodec {
  /// The columns of the factors.
  package let rank: Int

  /// Makes the codec.
  ///
  /// - Parameter rank: at least 1.
  package init(rank: Int) { self.rank = rank }

  /// `power_sgd RANK`.
  package var name: String { "power_sgd \(rank)" }

  /// The block as a matrix: the rows of its tensor where that saves half, else near-square.
  private func shape(_ block: GradientBlock) -> dl_rows {
    let natural = dl_rows(count: block.count, columns: max(block.columns, 1), start: block.start)
    if 2 * rank * (dl_row_count(natural) + natural.columns) <= block.count { return natural }
    return dl_rows(count: block.count, columns: dl_low_rank_columns(block.count), start: 0)
  }

  private func factorCount(_ shape: dl_rows) -> Int {
    rank * (dl_row_count(shape) + shape.columns)
  }

  private func isPlain(_ block: GradientBlock) -> Bool {
    block.count <= largestPlainBlock || factorCount(shape(block)) >= block.count
  }

  /// Both factors, or the whole block where that is less.
  package func byteCount(_ block: GradientBlock) -> Int {
    4 * (isPlain(block) ? block.count : factorCount(shape(block)))
  }

  /// The last right factor.
  package func stateCount(_ block: GradientBlock) -> Int {
    isPlain(block) ? 0 : rank * shape(block).columns
  }

  /// Makes one power iteration from the last right factor.
  package func encode(
    _ values: UnsafeMutablePointer<Float>, _ block: GradientBlock,
    state: UnsafeMutablePointer<Float>, seed: UInt64, into message: UnsafeMutableRawPointer
  ) {
    if isPlain(block) {
      return PlainCodec().encode(values, block, state: state, seed: seed, into: message)
    }
    let left = message.assumingMemoryBound(to: Float.self)
    let shape = shape(block)
    dl_low_rank_encode(
      values, shape, rank, seed, state, left, left + rank * dl_row_count(shape))
  }

  /// Multiplies the factors.
  package func decode(
    _ message: UnsafeRawPointer, _ block: GradientBlock, into values: UnsafeMutablePointer<Float>
  ) {
    if isPlain(block) { return PlainCodec().decode(message, block, into: values) }
    let left = message.assumingMemoryBound(to: Float.self)
    let shape = shape(block)
    dl_low_rank_decode(left, left + rank * dl_row_count(shape), shape, rank, values)
  }
}
