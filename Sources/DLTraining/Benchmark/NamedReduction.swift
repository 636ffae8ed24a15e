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
    var all = [tree(communicator)]
    if let processes = communicator as? MPICommunicator { all.append(library(processes)) }
    return all
  }

  /// The communicator's own sum: each rank's buffer is read, and takes the result.
  private static func tree(_ communicator: any Communicator) -> NamedReduction {
    let name =
      switch communicator {
      case is ThreadCommunicator: "threads"
      case is MPICommunicator: "MPI, blocking"
      case is ProductCommunicator: "threads and MPI"
      default: "one rank"
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
