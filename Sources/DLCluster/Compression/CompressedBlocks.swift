import Glibc

/// The knowledge of a process's ranks about the blocks of an arena: who owns them, where their
/// messages lie among those of a share, and what is kept of those that this process sends.
///
/// A block's record is its error and its codec's state, one behind the other. Records lie in the
/// order of the blocks, and take memory only where they are written to: where the process sends.
final class CompressedBlocks: @unchecked Sendable {
  let codec: any GradientCodec
  let blocks: [GradientBlock]
  /// The process that owns each block; -1 for none.
  let owners: [Int]
  /// The bytes of the messages of all blocks before one, and of all at last.
  let messages: [Int]
  /// The numbers of the records of all blocks before one, and of all at last.
  let places: [Int]
  /// The longest block.
  let longest: Int

  private let memory: SharedMemory

  /// Describes blocks in ascending order.
  init(_ codec: any GradientCodec, _ blocks: [GradientBlock], owner: (Range<Int>) -> Int) throws {
    self.codec = codec
    self.blocks = blocks
    owners = blocks.map { owner($0.range) }
    messages = blocks.reduce(into: [0]) { $0.append(($0.last ?? 0) + codec.byteCount($1)) }
    places = blocks.reduce(into: [0]) {
      $0.append(($0.last ?? 0) + $1.count + codec.stateCount($1))
    }
    longest = blocks.map(\.count).max() ?? 0
    memory = try SharedMemory(byteCount: 4 * (places.last ?? 0))
  }

  /// A block's record.
  func record(_ block: Int) -> UnsafeMutablePointer<Float> {
    (memory.pointer + 4 * places[block]).assumingMemoryBound(to: Float.self)
  }

  /// The numbers of a block's record.
  func recordCount(_ block: Int) -> Int { places[block + 1] - places[block] }

  /// The blocks of a range of elements; nil where it does not begin and end where blocks do.
  func indices(of range: Range<Int>) -> Range<Int>? {
    if range.isEmpty { return 0..<0 }
    let first = firstIndex(from: range.lowerBound)
    let end = firstIndex(from: range.upperBound)
    guard first < end, blocks[first].range.lowerBound == range.lowerBound,
      blocks[end - 1].range.upperBound == range.upperBound
    else { return nil }
    return first..<end
  }

  /// The bytes of the messages of a run of blocks.
  func byteCount(_ blocks: Range<Int>) -> Int {
    messages[blocks.upperBound] - messages[blocks.lowerBound]
  }

  private func firstIndex(from element: Int) -> Int {
    var (low, high) = (0, blocks.count)
    while low < high {
      let middle = (low + high) / 2
      if blocks[middle].range.lowerBound < element { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Adds the error of the last step to a block of sums, writes its message, and keeps its error.
  ///
  /// A block that is not finite becomes a message that is not, and keeps nothing.
  func encode(
    _ block: Int, _ sums: UnsafeMutablePointer<Float>, into message: UnsafeMutableRawPointer
  ) {
    let (shape, count) = (blocks[block], blocks[block].count)
    let record = record(block)
    guard addFinite(record, to: sums, count) else {
      memset(message, 0xff, messages[block + 1] - messages[block])
      memset(record, 0, 4 * recordCount(block))
      return
    }
    codec.encode(
      sums, shape, state: record + count, seed: UInt64(block), into: message)
    record.update(from: sums, count: count)
  }
}
