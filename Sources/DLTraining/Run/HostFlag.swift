import DLCluster
import Synchronization

/// A flag that one process of a host can claim, so that what concerns all of them is said once.
///
/// It lies in memory that the host's processes share; where there is none, each has a flag of its
/// own.
final class HostFlag: Sendable {
  private let memory: SharedMemory?
  private let own = Atomic<UInt32>(0)

  /// Makes a flag for this process alone.
  init() { memory = nil }

  /// Maps the flag named by `job`, the same on all processes.
  ///
  /// - Parameter barrier: returns when all processes have mapped theirs; called in any case.
  init(job: String, barrier: () throws -> Void) throws {
    let name = "/dltrain-" + job
    memory = try? SharedMemory(joining: name, byteCount: 64)
    try barrier()
    SharedMemory.unlink(name)
  }

  /// Whether this call is the host's first.
  func claim() -> Bool {
    guard let memory else { return HostFlag.claim(own) }
    // Fresh segments hold zeros.
    return HostFlag.claim(
      memory.pointer.assumingMemoryBound(to: Atomic<UInt32>.self).pointee)
  }

  private static func claim(_ flag: borrowing Atomic<UInt32>) -> Bool {
    flag.compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing).exchanged
  }
}
