/// Ranks that share memory: those of one process, or of all processes of a host.
protocol MemoryDomain: AnyObject {
  /// The members, ascending, as ranks of the job.
  var ranks: [Int] { get }
  /// This rank's place among them.
  var index: Int { get }

  /// Zeroed memory that all members see; collective over them.
  ///
  /// - Parameter parts: what this member uses most, and so is to lie near its core; the members'
  ///   parts together are the whole.
  /// - Throws: on every member or on none.
  func share(_ byteCount: Int, parts: [Range<Int>]) throws -> SharedMemory

  /// Returns when every member has arrived; what they wrote before it is seen after it.
  func synchronize() throws
}

extension MemoryDomain {
  /// The same, of which every member takes an even part.
  func share(_ byteCount: Int) throws -> SharedMemory {
    try share(byteCount, parts: [slice(of: 0..<byteCount, parts: ranks.count, index: index)])
  }
}

/// A rank that shares memory with no other.
final class SingleRankDomain: MemoryDomain {
  let ranks: [Int]
  let index = 0

  init(rank: Int) { ranks = [rank] }

  func share(_ byteCount: Int, parts: [Range<Int>]) throws -> SharedMemory {
    try SharedMemory(byteCount: byteCount)
  }

  func synchronize() throws {}
}

/// The ranks that are threads of one process.
final class ThreadDomain: MemoryDomain {
  let ranks: [Int]
  let index: Int
  private let group: ThreadGroupState
  private let size: Int

  init(_ group: ThreadGroupState, ranks: [Int], index: Int, size: Int) {
    self.group = group
    self.ranks = ranks
    self.index = index
    self.size = size
  }

  func share(_ byteCount: Int, parts: [Range<Int>]) throws -> SharedMemory {
    try synchronize()
    if index == 0 {
      group.published = [Result { try SharedMemory(byteCount: byteCount) }]
    }
    group.synchronize()
    let made = group.published.first as? Result<SharedMemory, any Error>
    // The leader may publish again only once all have looked.
    group.synchronize()
    guard let made else { preconditionFailure("the leader publishes what it made") }
    let memory = try made.get()
    memory.touch(parts)
    // Nobody may write before all have.
    group.synchronize()
    return memory
  }

  func synchronize() throws {
    _ = try group.enter(ThreadCall(op: .barrier), index: index, rank: ranks[index], size: size)
  }
}
