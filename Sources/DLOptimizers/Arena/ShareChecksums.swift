import CKernels
import DLTensor

/// The state of a rank's shares of an arena when they were last written: a checksum for each block
/// of each tensor, of its parameters and of every vector of state.
///
/// An update compares the words that it reads with it, block by block while they are in the cache,
/// and renews it. Whoever else writes parameters or state calls ``renew(_:)`` afterwards. Gaps
/// between tensors are left out.
package final class ShareChecksums {
  /// A block that is not what was last written.
  package struct Mismatch: Sendable, Hashable {
    /// The tensor, by its index in `ArenaUpdate/members`.
    package let member: Int
    /// 0 for its parameters, 1 and on for the vectors of state in the order of their names, then
    /// for the vectors given besides.
    package let vector: Int

    /// Names a block.
    package init(member: Int, vector: Int) {
      self.member = member
      self.vector = vector
    }
  }

  /// Elements in a block; the blocks of two-phase rules consist of whole ones.
  package static let blockSize = ArenaUpdate.blockSize

  /// The first block that was found to have changed.
  package private(set) var mismatch: Mismatch?

  private let shares: [OwnedSlice]
  private let members: [ArenaUpdate.Member]
  private let firstBlocks: [Int]
  private let stateCount: Int
  private let otherVectors: [ArenaVector]
  private let unwatched: Set<Int>
  private let sums: UnsafeMutableBufferPointer<UInt64>
  private let taken: TakenChecksums

  /// The vectors of an update, by the numbers of ``Mismatch/vector``.
  package var updated: Range<Int> { 0..<1 + stateCount }

  /// The vectors given besides.
  package var others: Range<Int> { updated.upperBound..<all.upperBound }

  /// All vectors.
  package var all: Range<Int> { 0..<1 + stateCount + otherVectors.count }

  /// Takes no checksums yet; call ``renew(_:)`` once the elements are as they should be.
  ///
  /// - Parameters:
  ///   - shares: what this rank owns; no two of them have a part of one block.
  ///   - others: further vectors, of as many elements as the shares have one behind another.
  ///   - unwatched: the tensors whose parameters others write at any time.
  package init(
    _ update: ArenaUpdate, shares: [OwnedSlice], others: [ArenaVector] = [],
    unwatched: Set<Int> = []
  ) {
    self.shares = shares
    otherVectors = others
    self.unwatched = unwatched
    members = update.members
    stateCount = update.stateNames.count
    var blocks = 0
    firstBlocks = update.members.map { member in
      defer { blocks += ArenaUpdate.blockCount(of: member.range) }
      return blocks
    }
    sums = .allocate(capacity: blocks * (1 + stateCount + others.count))
    sums.initialize(repeating: 0)
    taken = TakenChecksums(count: 1 + stateCount)
  }

  deinit { sums.deallocate() }

  /// Takes the checksums of some vectors anew, or of all.
  package func renew(_ vectors: Range<Int>? = nil) {
    forEach(vectors ?? all) { _, vector, sum, block in
      sums[sum] = ShareChecksums.checksum(block)
    }
  }

  /// Compares some vectors, or all, with their checksums, and notes the first `mismatch`.
  package func verify(_ vectors: Range<Int>? = nil) {
    forEach(vectors ?? all) { member, vector, sum, block in
      compare(member, vector, ShareChecksums.checksum(block), sum)
    }
  }

  private func compare(_ member: Int, _ vector: Int, _ sum: UInt64, _ place: Int) {
    guard mismatch == nil, sum != sums[place], vector > 0 || !unwatched.contains(member) else {
      return
    }
    mismatch = Mismatch(member: member, vector: vector)
  }

  private static func checksum(_ block: UnsafeRawBufferPointer) -> UInt64 {
    guard let start = block.baseAddress else { return 0 }
    return dl_checksum(start, block.count)
  }

  /// Updates a tensor's blocks within a share by a rule of one phase.
  func update(
    _ member: Int, of share: OwnedSlice, by rule: any SliceOptimizer, states: [Int],
    scalars: StepScalars
  ) {
    guard type(of: rule) is any ChecksummingOptimizer.Type, share.slice.hasState(stateCount) else {
      return update(member, of: share, checking: updated, writing: updated) {
        rule.update($0.states(states), scalars: scalars)
      }
    }
    forEachBlock(of: member, in: share.range) { index, range in
      var slice = share.part(of: range)
      for vector in updated { taken.vectors[vector] = words(slice, vector).baseAddress }
      slice.checksums = UnsafePointer(taken.pointer)
      rule.update(slice.states(states), scalars: scalars)
      for vector in updated {
        let place = place(index, vector)
        compare(member, vector, taken.before[vector], place)
        sums[place] = taken.after[vector]
      }
    }
  }

  /// Goes over a tensor's blocks within a share: the words are checked, handed to `body`, and the
  /// checksums of what it writes renewed.
  func update(
    _ member: Int, of share: OwnedSlice, checking read: Range<Int>, writing written: Range<Int>,
    _ body: (ArenaSlice) -> Void
  ) {
    forEachBlock(of: member, in: share.range) { index, range in
      let slice = share.part(of: range)
      for vector in read {
        compare(
          member, vector, ShareChecksums.checksum(words(slice, vector)), place(index, vector))
      }
      body(slice)
      for vector in written {
        sums[place(index, vector)] = ShareChecksums.checksum(words(slice, vector))
      }
    }
  }

  private func place(_ block: Int, _ vector: Int) -> Int { block * all.count + vector }

  /// A slice's words of its parameters or state.
  private func words(_ slice: ArenaSlice, _ vector: Int) -> UnsafeRawBufferPointer {
    let start = vector == 0 ? slice.parameters : slice.state[vector - 1]
    let count = start == nil ? 0 : slice.count * slice.dtype.byteCount
    return UnsafeRawBufferPointer(start: start, count: count)
  }

  private func forEachBlock(of member: Int, in range: Range<Int>, _ body: (Int, Range<Int>) -> Void)
  {
    let whole = members[member].range
    let part = whole.clamped(to: range)
    var start = part.lowerBound
    while start < part.upperBound {
      let block = (start - whole.lowerBound) / Self.blockSize
      let end = min(whole.lowerBound + (block + 1) * Self.blockSize, part.upperBound)
      body(firstBlocks[member] + block, start..<end)
      start = end
    }
  }

  /// Goes over all blocks of the shares.
  private func forEach(
    _ vectors: Range<Int>, _ body: (Int, Int, Int, UnsafeRawBufferPointer) -> Void
  ) {
    var first = 0
    for share in shares {
      for member in members.indices where members[member].range.overlaps(share.range) {
        forEachBlock(of: member, in: share.range) { index, range in
          let slice = share.part(of: range)
          for vector in vectors {
            var block = words(slice, vector)
            if vector > stateCount {
              let other = otherVectors[vector - 1 - stateCount]
              let place = first + range.lowerBound - share.range.lowerBound
              block = UnsafeRawBufferPointer(
                start: other.pointer + place * other.dtype.byteCount,
                count: range.count * other.dtype.byteCount)
            }
            body(member, vector, self.place(index, vector), block)
          }
        }
      }
      first += share.slice.count
    }
  }
}

/// The place where a rule leaves the checksums of a block, before and after its update.
private final class TakenChecksums {
  let pointer: UnsafeMutablePointer<dl_checksums>
  let vectors: UnsafeMutablePointer<UnsafeRawPointer?>
  let before: UnsafeMutablePointer<UInt64>
  let after: UnsafeMutablePointer<UInt64>

  init(count: Int) {
    precondition(count <= Int(DL_CHECKSUM_VECTORS), "a rule has three states at most")
    pointer = .allocate(capacity: 1)
    vectors = .allocate(capacity: count)
    before = .allocate(capacity: count)
    after = .allocate(capacity: count)
    vectors.initialize(repeating: nil, count: count)
    before.initialize(repeating: 0, count: count)
    after.initialize(repeating: 0, count: count)
    pointer.initialize(
      to: dl_checksums(count: count, vectors: vectors, before: before, after: after))
  }

  deinit {
    pointer.deallocate()
    vectors.deallocate()
    before.deallocate()
    after.deallocate()
  }
}

extension ArenaSlice {
  fileprivate func hasState(_ count: Int) -> Bool { (0..<count).allSatisfy { state[$0] != nil } }
}
