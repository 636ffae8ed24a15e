import CKernels
import DLCluster
import DLLayers
import DLOptimizers

/// Compares what several ranks hold copies of: the parameters where not all ranks have the same
/// memory, and the buffers of each rank's modules.
///
/// The ranks that have the same parameters take checksums of a part of them each. First only the
/// sums over all tensors are compared; where they differ, those of each tensor.
final class CopyComparison {
  private let arena: ParameterArena
  private let communicator: any Communicator
  private let comparesBuffers: Bool
  /// The first rank of those that have the same parameters, for each rank.
  private let holders: [Int]
  private let copies: [Int]
  private let blocks: [(parameter: Int, range: Range<Int>)]
  private let mine: UnsafeMutableBufferPointer<UInt64>
  private let all: UnsafeMutableBufferPointer<UInt64>

  /// Prepares the comparisons; collective.
  ///
  /// - Parameter comparesBuffers: whether the ranks' buffers should be the same.
  init(_ arena: ParameterArena, _ communicator: any Communicator, comparesBuffers: Bool) throws {
    self.arena = arena
    self.communicator = communicator
    self.comparesBuffers = comparesBuffers && !arena.bufferBytes.isEmpty
    holders = try communicator.allgather([Int64(arena.exchange.holder ?? communicator.rank)])
      .map { Int($0) }
    copies = Set(holders).sorted()
    blocks = arena.parameters.indices.flatMap { index in
      ArenaUpdate.blocks(of: arena.elements(of: index..<index + 1)).map { (index, $0) }
    }
    mine = .allocate(capacity: 2)
    all = .allocate(capacity: 2 * communicator.size)
    mine.initialize(repeating: 0)
    all.initialize(repeating: 0)
  }

  deinit {
    mine.deallocate()
    all.deallocate()
  }

  /// Compares all; collective.
  ///
  /// - Throws: `RankFailure` on every rank, of a ``CopyMismatchError``.
  func check(step: Int) throws {
    let comparesValues = copies.count > 1
    guard comparesValues || comparesBuffers, communicator.size > 1 else { return }
    mine[0] = 0
    if comparesValues { eachChecksum { mine[0] &+= $1 } }
    mine[1] = comparesBuffers ? checksum(UnsafeRawBufferPointer(arena.bufferBytes)) : 0
    try communicator.allgather(
      UnsafeRawBufferPointer(mine), into: UnsafeMutableRawBufferPointer(all))
    var isSame = true
    for rank in 0..<communicator.size {
      if all[2 * rank + 1] != all[1] { isSame = false }
      // The parts of one copy add up at its first rank.
      let holder = holders[rank]
      if holder != rank { all[2 * holder] &+= all[2 * rank] }
    }
    for copy in copies where all[2 * copy] != all[2 * copies[0]] { isSame = false }
    guard isSame else { return try findDifference(step: step) }
  }

  /// Takes the checksums of each tensor, and throws what differs.
  private func findDifference(step: Int) throws {
    let parameters = arena.parameters.count
    var sums = [UInt64](repeating: 0, count: parameters + arena.buffers.count)
    if copies.count > 1 { eachChecksum { sums[$0] &+= $1 } }
    if comparesBuffers {
      for (index, buffer) in arena.buffers.enumerated() {
        if let tensor = try? buffer.value { sums[parameters + index] = checksum(tensor.bytes) }
      }
    }
    let gathered = try communicator.allgather(sums)
    var differing: [(name: String, groups: [[Int]])] = []
    for index in sums.indices {
      let isParameter = index < parameters
      func sum(_ rank: Int) -> UInt64 { gathered[rank * sums.count + index] }
      var ranks: [UInt64: [Int]] = [:]
      for holder in isParameter ? copies : Array(0..<communicator.size) {
        let holding = isParameter ? holders.indices.filter { holders[$0] == holder } : [holder]
        ranks[holding.reduce(0) { $0 &+ sum($1) }, default: []] += holding
      }
      guard ranks.count > 1 else { continue }
      let name =
        isParameter ? arena.parameters[index].name : arena.buffers[index - parameters].name
      differing.append(
        (name, ranks.values.sorted { ($1.count, $0[0]) < ($0.count, $1[0]) }))
    }
    try communicator.agreed("compare the copies") {
      // What differed a moment ago has changed again: the memory is no better for it.
      let first = differing.first ?? ("memory", [Array(0..<communicator.size)])
      throw CopyMismatchError(
        step: step, tensor: first.name, otherCount: max(differing.count - 1, 0),
        groups: first.groups)
    }
  }

  /// The checksums of this rank's part of the parameters, with the parameter's index; those of a
  /// parameter add up to the same whoever takes them.
  private func eachChecksum(_ body: (Int, UInt64) -> Void) {
    let width = arena.dtype.byteCount
    for index in arena.exchange.part(of: 0..<blocks.count) {
      let (parameter, range) = blocks[index]
      let sum = dl_checksum(arena.values + range.lowerBound * width, range.count * width)
      body(parameter, (sum ^ UInt64(index)) &* 0x9e37_79b9_7f4a_7c15)
    }
  }

  private func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    guard let start = bytes.baseAddress else { return 0 }
    return dl_checksum(start, bytes.count)
  }
}
