import CKernels

/// The largest magnitudes of each block with their places, of equal ones the first: six bytes for
/// each that is sent.
///
/// As in Aji and Heafield (2017), and Stich, Cordonnier and Jaggi (2018), here per block. Blocks of up to 256 elements are sent whole.
package struct TopKCodec: GradientCodec {
  /// The part of a block's elements that is sent; one element at least.
  package let ratio: Double

  /// Makes the codec.
  ///
  /// - Parameter ratio: more than 0, at most 1.
  package init(ratio: Double) { self.ratio = ratio }

  /// `top_k RATIO`.
  package var name: String { "top_k \(ratio)" }

  /// The elements that are sent of a block of `count`; all of a small one.
  package func sentCount(_ count: Int) -> Int {
    guard count > largestPlainBlock else { return count }
    return min(max(Int((ratio * Double(count)).rounded(.up)), 1), count)
  }

  private func isPlain(_ count: Int) -> Bool { 3 * sentCount(count) >= 2 * count }

  /// Six bytes for each element that is sent, or the whole block where that is less.
  package func byteCount(_ block: GradientBlock) -> Int {
    let sent = sentCount(block.count)
    return isPlain(block.count) ? 4 * block.count : 4 * sent + (sent + 1) / 2 * 4
  }

  /// Takes the largest out of the block.
  package func encode(
    _ values: UnsafeMutablePointer<Float>, _ block: GradientBlock,
    state: UnsafeMutablePointer<Float>, seed: UInt64, into message: UnsafeMutableRawPointer
  ) {
    if isPlain(block.count) {
      return PlainCodec().encode(values, block, state: state, seed: seed, into: message)
    }
    let sent = sentCount(block.count)
    dl_top_k_encode(
      values, block.count, sent, message.assumingMemoryBound(to: Float.self),
      (message + 4 * sent).assumingMemoryBound(to: UInt16.self))
  }

  /// Puts them back among zeros.
  package func decode(
    _ message: UnsafeRawPointer, _ block: GradientBlock, into values: UnsafeMutablePointer<Float>
  ) {
    if isPlain(block.count) { return PlainCodec().decode(message, block, into: values) }
    let sent = sentCount(block.count)
    dl_top_k_decode(
      message.assumingMemoryBound(to: Float.self),
      (message + 4 * sent).assumingMemoryBound(to: UInt16.self), sent, block.count, values)
  }
}
