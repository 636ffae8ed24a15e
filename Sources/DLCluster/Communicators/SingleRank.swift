import DLCore

/// A communicator of one rank, whose collectives are the identity.
package final class SingleRank: Communicator {
  /// Always 0.
  package let rank = 0
  /// Always 1.
  package let size = 1

  /// Makes the communicator of a process that runs alone.
  package init() {}

  /// Leaves the buffer as it is.
  ///
  /// - Throws: `ClusterError` for a negative count.
  package func allreduceSum(
    _ buffer: UnsafeMutableRawPointer, count: Int, type: ElementType
  ) throws {
    try checkCount(count, "allreduce")
  }

  /// Copies the contribution.
  ///
  /// - Throws: `ClusterError` where `receive` is not as long as `send`.
  package func allgather(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    try checkGather(send, receive)
    if send.baseAddress != UnsafeRawPointer(receive.baseAddress) { receive.copyMemory(from: send) }
  }

  /// Leaves the buffer as it is.
  ///
  /// - Throws: `ClusterError` for a root other than 0.
  package func broadcast(_ buffer: UnsafeMutableRawBufferPointer, root: Int) throws {
    try checkRoot(root)
  }

  /// Returns at once.
  ///
  /// - Throws: nothing.
  package func barrier() throws {}

  /// Another communicator of one rank.
  ///
  /// - Throws: nothing.
  package func split(color: Int, key: Int) throws -> any Communicator { SingleRank() }
}

extension Communicator {
  func checkCount(_ count: Int, _ op: String) throws {
    if count < 0 {
      throw ClusterError.invalidArgument(
        op: op, rank: rank, size: size, detail: "the count \(count) is negative")
    }
  }

  func checkGather(_ send: UnsafeRawBufferPointer, _ receive: UnsafeMutableRawBufferPointer) throws
  {
    if receive.count != size * send.count {
      throw ClusterError.invalidArgument(
        op: "allgather", rank: rank, size: size,
        detail: "receives \(receive.count) bytes, \(size) times \(send.count) are sent")
    }
  }

  func checkRoot(_ root: Int) throws {
    if !(0..<size).contains(root) {
      throw ClusterError.invalidArgument(
        op: "broadcast", rank: rank, size: size, detail: "there is no root \(root)")
    }
  }
}
