/// A way to write a block of float32 gradients in fewer bytes, with the error fed back.
///
/// What an encoder leaves of a block is its error, which the sender adds to the same block of its
/// next step (Seide et al. 2014, Karimireddy et al. 2019): the sum of all that was decoded is the
/// sum of all that was to be sent less the last error.
///
/// Every message of a block has the same size, so that a receiver knows what comes. A message whose
/// bits are all ones decodes into something that is no number.
public protocol GradientCodec: Sendable {
  /// What distinguishes a state of this codec from that of another, as in `top_k 0.01`.
  var name: String { get }

  /// The bytes of a block's message, a multiple of 4.
  func byteCount(_ count: Int) -> Int

  /// The numbers that the sender keeps for a block from step to step besides its error; zeros at
  /// first.
  func stateCount(_ count: Int) -> Int

  /// Writes a block's message, and leaves its error in place of the values.
  ///
  /// - Parameters:
  ///   - values: finite numbers.
  ///   - state: what was kept, to be replaced.
  ///   - seed: a number of the block's own.
  func encode(
    _ values: UnsafeMutablePointer<Float>, count: Int, state: UnsafeMutablePointer<Float>,
    seed: UInt64, into message: UnsafeMutableRawPointer)

  /// Reads a block from its message.
  func decode(
    _ message: UnsafeRawPointer, count: Int, into values: UnsafeMutablePointer<Float>)
}

extension GradientCodec {
  /// None.
  public func stateCount(_ count: Int) -> Int { 0 }
}

/// The most elements of a block that a codec takes.
let largestCompressedBlock = 65_536

/// Blocks of up to so many elements (biases, scales of normalisations) are sent as they are by the
/// codecs that drop parts of a gradient: they are few bytes, and matter much.
let largestPlainBlock = 256

/// Blocks as they are.
struct PlainCodec: GradientCodec {
  var name: String { "none" }

  func byteCount(_ count: Int) -> Int { 4 * count }

  func encode(
    _ values: UnsafeMutablePointer<Float>, count: Int, state: UnsafeMutablePointer<Float>,
    seed: UInt64, into message: UnsafeMutableRawPointer
  ) {
    message.copyMemory(from: values, byteCount: 4 * count)
    values.update(repeating: 0, count: count)
  }

  func decode(
    _ message: UnsafeRawPointer, count: Int, into values: UnsafeMutablePointer<Float>
  ) {
    UnsafeMutableRawPointer(values).copyMemory(from: message, byteCount: 4 * count)
  }
}
