import CKernels

/// bfloat16, to nearest, ties to even: half the bytes, 8 bits of precision, any magnitude.
package struct BFloat16Codec: GradientCodec {
  package init() {}

  /// `bf16`.
  package var name: String { "bf16" }

  /// Two bytes an element.
  package func byteCount(_ block: GradientBlock) -> Int { (block.count + 1) / 2 * 4 }

  /// Rounds the block.
  package func encode(
    _ values: UnsafeMutablePointer<Float>, _ block: GradientBlock,
    state: UnsafeMutablePointer<Float>, seed: UInt64, into message: UnsafeMutableRawPointer
  ) {
    dl_bf16_encode(values, block.count, message.assumingMemoryBound(to: UInt16.self))
  }

  /// Widens the block.
  package func decode(
    _ message: UnsafeRawPointer, _ block: GradientBlock, into values: UnsafeMutablePointer<Float>
  ) {
    dl_bf16_decode(message.assumingMemoryBound(to: UInt16.self), block.count, values)
  }
}

/// IEEE half precision with a power of two for each block that brings its largest magnitude to the
/// upper end of the range: half the bytes, 11 bits of precision, no overflow, and magnitudes down to
/// 2^-39 of the largest.
package struct Float16Codec: GradientCodec {
  package init() {}

  /// `fp16`.
  package var name: String { "fp16" }

  /// Two bytes an element, and the factor.
  package func byteCount(_ block: GradientBlock) -> Int { 4 + (block.count + 1) / 2 * 4 }

  /// Scales and rounds the block.
  package func encode(
    _ values: UnsafeMutablePointer<Float>, _ block: GradientBlock,
    state: UnsafeMutablePointer<Float>, seed: UInt64, into message: UnsafeMutableRawPointer
  ) {
    dl_fp16_encode(
      values, block.count, message.assumingMemoryBound(to: Float.self),
      (message + 4).assumingMemoryBound(to: UInt16.self))
  }

  /// Widens and scales the block back.
  package func decode(
    _ message: UnsafeRawPointer, _ block: GradientBlock, into values: UnsafeMutablePointer<Float>
  ) {
    dl_fp16_decode(
      message.load(as: Float.self), (message + 4).assumingMemoryBound(to: UInt16.self), block.count,
      values)
  }
}
