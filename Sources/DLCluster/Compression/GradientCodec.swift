/// A block of an arena: a run of a tensor's elements.
public struct GradientBlock: Sendable {
  /// Its elements, as places in the arena.
  public let range: Range<Int>
  /// The elements of a row of its tensor.
  public let columns: Int
  /// The place of the first element in its row.
  public let start: Int

  /// The number of elements.
  public var count: Int { range.count }

  /// Describes a block.
  ///
  /// - Parameters:
  ///   - columns: the elements of a row of its tensor; 1 where it has no rows.
  ///   - start: the place of the first element in its row.
  package init(_ range: Range<Int>, columns: Int = 1, start: Int = 0) {
    self.range = range
    self.columns = columns
    self.start = start
  }
}

/// A way to write a block of float32 gradients in fewer bytes, with the error fed back.
///
/// What an encoder leaves of a block is its error, which the sender adds to the same block of its
/// next step (Seide et al. 2014, Karimireddy et al. 2019): the sum of all that was decoded is the
/// sum of all that was to be sent less the last error.
///
/// Every message of a block has the same size, so that a receiver knows what comes. A message whose
/// bits are all ones decodes into something that is no number.
public protocol GradientCodec: Sendable {
  /// The name that distinguishes a state of this codec from that of another, as in `top_k 0.01`.
  var name: String { get }

  /// The bytes of a block's message, a multiple of 4.
  func byteCount(_ block: GradientBlock) -> Int

  /// The numbers that the sender keeps for a block from step to step besides its error; zeros at
  /// first.
  func stateCount(_ block: GradientBlock) -> Int

  /// Writes a block's message, and leaves its error in place of the values.
  ///
  /// - Parameters:
  ///   - values: finite numbers.
  ///   - state: what was kept, to be replaced.
  ///   - seed: a number of the block's own.
  func encode(
    _ values: UnsafeMutablePointer<Float>, _ block: GradientBlock,
    state: UnsafeMutablePointer<Float>, seed: UInt64, into message: UnsafeMutableRawPointer)

  /// Reads a block from its message.
  func decode(
    _ message: UnsafeRawPointer, _ block: GradientBlock, into values: UnsafeMutablePointer<Float>)
}

extension GradientCodec {
  /// None.
  public func stateCount(_ block: GradientBlock) -> Int { 0 }
}

/// The most elements of a block that a codec takes.
let largestCompressedBlock = 65_536

/// Blocks of up to so many elements (biases, scales of normalizations) are sent as they are by the
/// codecs that drop parts of a gradient: they are few bytes, and matter much.
let largestPlainBlock = 256

/// Blocks as they are.
struct PlainCodec: GradientCodec {
  var name: String { "none" }

  func byteCount(_ block: GradientBlock) -> Int { 4 * block.count }

  func encode(
    _ values: UnsafeMutablePointer<Float>, _ block: GradientBlock,
    state: UnsafeMutablePointer<Float>, seed: UInt64, into message: UnsafeMutableRawPointer
  ) {
    message.copyMemory(from: values, byteCount: 4 * block.count)
    values.update(repeating: 0, count: block.count)
  }

  func decode(
    _ message: UnsafeRawPointer, _ block: GradientBlock, into values: UnsafeMutablePointer<Float>
  ) {
    UnsafeMutableRawPointer(values).copyMemory(from: message, byteCount: 4 * block.count)
  }
}
