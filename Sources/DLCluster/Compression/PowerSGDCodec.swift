import CKernels

/// A block as the product of two thin matrices: PowerSGD (Vogels, Karimireddy, Jaggi 2019).
///
/// `M` is close to `P * Q^T`, with `P = orthonormal(M * Q')` and `Q = M^T * P`, where `Q'` is the `Q`
/// of the last step, and random at first.
///
/// The paper reduces `P` and `Q` over all workers, whose sum it approximates; here the owner of a
/// block gets both factors of every domain, so that one message does, and each domain's own sum is
/// approximated. `M` is the block seen as a near-square matrix of a power of two columns, and not
/// the whole tensor. Blocks of up to 256 elements are sent whole, as the paper does with vectors.
public struct PowerSGDCodec: GradientCodec {
  /// The columns of the factors.
  public let rank: Int

  /// Makes the codec.
  ///
  /// - Parameter rank: at least 1.
  public init(rank: Int) { self.rank = rank }

  /// `power_sgd RANK`.
  public var name: String { "power_sgd \(rank)" }

  private func columns(_ count: Int) -> Int { dl_low_rank_columns(count) }
  private func rows(_ count: Int) -> Int { (count + columns(count) - 1) / columns(count) }

  private func isPlain(_ count: Int) -> Bool {
    count <= largestPlainBlock || rank * (rows(count) + columns(count)) >= count
  }

  /// Both factors, or the whole block where that is less.
  public func byteCount(_ count: Int) -> Int {
    isPlain(count) ? 4 * count : 4 * rank * (rows(count) + columns(count))
  }

  /// The last right factor.
  public func stateCount(_ count: Int) -> Int { isPlain(count) ? 0 : rank * columns(count) }

  /// Makes one power iteration from the last right factor.
  public func encode(
    _ values: UnsafeMutablePointer<Float>, count: Int, state: UnsafeMutablePointer<Float>,
    seed: UInt64, into message: UnsafeMutableRawPointer
  ) {
    if isPlain(count) {
      return PlainCodec().encode(values, count: count, state: state, seed: seed, into: message)
    }
    let left = message.assumingMemoryBound(to: Float.self)
    dl_low_rank_encode(values, count, rank, seed, state, left, left + rank * rows(count))
  }

  /// Multiplies the factors.
  public func decode(
    _ message: UnsafeRawPointer, count: Int, into values: UnsafeMutablePointer<Float>
  ) {
    if isPlain(count) { return PlainCodec().decode(message, count: count, into: values) }
    let left = message.assumingMemoryBound(to: Float.self)
    dl_low_rank_decode(left, left + rank * rows(count), count, rank, values)
  }
}
