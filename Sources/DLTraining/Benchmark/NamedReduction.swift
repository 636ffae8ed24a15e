import DLCluster

/// A way to sum a buffer of floats over all ranks, to be measured beside others.
struct NamedReduction {
  /// Its name in a table.
  let name: String
  /// The bytes that all ranks of a host together must read and write in memory to sum buffers of
  /// `bytes` over `ranks`, by this way's own layout.
  let traffic: (_ bytes: Int, _ ranks: Int) -> Int
  /// Makes a buffer of `bytes`, filled with zeros and touched, and what sums it.
  let prepare: (_ bytes: Int) throws -> Prepared

  /// A buffer and the sum over it.
  struct Prepared {
    let owner: AnyObject
    let sum: () throws -> Void
  }

  /// Whether it is the library's own sum, which others are compared with.
  var isReference = false

  /// The ways that a communicator has, the one that training uses first.
  static func all(_ communicator: any Communicator) -> [NamedReduction] {
    let base = (communicator as? HostCommunicator)?.base ?? communicator
    var all = communicator.neighbourhood.map { [shares(communicator, $0)] } ?? []
    all.append(tree(base))
    if let processes = base as? MPICommunicator { all.append(library(processes)) }
    return all
  }

  /// What a step does: each rank sums its share of all ranks' gradients.
  ///
  /// Then all wait for each other before the parameters are read again. Every gradient is read, and
  /// one sum is written.
  private static func shares(
    _ communicator: any Communicator, _ neighbourhood: Neighbourhood
  ) -> NamedReduction {
    let name =
      switch communicator {
      case is HostCommunicator: "shares in the host's memory"
      case is MPICommunicator: "shares by MPI"
      case is ProductCommunicator: "shares of threads, by MPI"
      case is ThreadCommunicator: "shares of threads"
      default: "one rank"
      }
    return NamedReduction(name: name, traffic: { $0 * ($1 + 1) }) { bytes in
      let arena = try ShardedArena(communicator, neighbourhood, byteCount: bytes)
      arena.gradients.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      let (count, ranks, rank) = (bytes / 4, communicator.size, communicator.rank)
      let cuts = (0..<ranks).map { count * $0 / ranks / 16 * 16 } + [count]
      let own = [cuts[rank]..<cuts[rank + 1]]
      return Prepared(owner: arena) {
        try arena.reduce(cuts, blocks: own[...], type: .float32) { _ in }
        try arena.publish(cuts, type: .float32)
      }
    }
  }

  /// The communicator's own sum: each rank's buffer is read, and takes the result.
  private static func tree(_ communicator: any Communicator) -> NamedReduction {
    let name =
      switch communicator {
      case is ThreadCommunicator: "threads"
      case is MPICommunicator: "MPI, blocking"
      case is ProductCommunicator: "threads and MPI"
      default: "one rank, whole"
      }
    return NamedReduction(name: name, traffic: { 2 * $0 * $1 }) { bytes in
      let buffer = BenchmarkBuffer(bytes)
      return Prepared(owner: buffer) {
        try communicator.allreduceSum(buffer.base, count: bytes / 4, type: .float32)
      }
    }
  }

  private static func library(_ processes: MPICommunicator) -> NamedReduction {
    var reference = NamedReduction(name: "MPI_Allreduce", traffic: { 2 * $0 * $1 }) { bytes in
      let buffer = BenchmarkBuffer(bytes)
      return Prepared(owner: buffer) {
        try processes.referenceAllreduceSum(buffer.base, count: bytes / 4, type: .float32)
      }
    }
    reference.isReference = true
    return reference
  }
}

/// Zeros in memory of their own, every page of which has been written to.
final class BenchmarkBuffer {
  let base: UnsafeMutableRawPointer
  let byteCount: Int

  init(_ byteCount: Int) {
    self.byteCount = byteCount
    base = .allocate(byteCount: max(byteCount, 64), alignment: 64)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: max(byteCount, 64))
  }

  deinit { base.deallocate() }
}
