import DLCore

/// A rank of a ``ThreadGroup``; it belongs to its thread.
package final class ThreadCommunicator: Communicator {
  /// This thread's index in the group.
  package let rank: Int
  /// The number of threads.
  package var size: Int { group.size }

  let group: ThreadGroupState
  private let plan: ReductionPlan
  private let buffers: Table<UnsafeRawPointer?>
  private let destinations: Table<UnsafeMutableRawPointer?>

  init(rank: Int, group: ThreadGroupState) {
    self.rank = rank
    self.group = group
    plan = ReductionTree(leaves: group.size).plan()
    buffers = Table(group.size, nil)
    destinations = Table(group.size, nil)
  }

  private func enter(_ call: ThreadCall) throws -> UnsafePointer<ThreadCall> {
    try group.enter(call, index: rank, rank: rank, size: size)
  }

  /// Sums `count` elements over all ranks, in place: each rank sums a slice of all ranks' buffers,
  /// block by block, and stores it in all of them while the block is in its cache.
  ///
  /// - Throws: `ClusterError` for a negative count, or where a rank has failed, returned, or makes
  ///   another call.
  package func allreduceSum(
    _ buffer: UnsafeMutableRawPointer, count: Int, type: ElementType
  ) throws {
    try checkCount(count, "allreduce")
    let calls = try enter(
      ThreadCall(op: .allreduce, size: count, detail: Int(type.rawValue), pointer: buffer))
    for peer in 0..<size {
      let pointer = calls[peer].pointer
      buffers[peer] = UnsafeRawPointer(pointer)
      destinations[peer] = pointer
    }
    plan.run(
      type, sources: buffers.base, destinations: UnsafeBufferPointer(destinations.values),
      range: slice(of: 0..<count, parts: size, index: rank))
    group.synchronize()
  }

  /// Gathers equal contributions in rank order.
  ///
  /// - Throws: `ClusterError` where `receive` has another length, or a rank has failed, returned,
  ///   or makes another call.
  package func allgather(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    try checkGather(send, receive)
    let calls = try enter(
      ThreadCall(
        op: .allgather, size: send.count,
        pointer: UnsafeMutableRawPointer(mutating: send.baseAddress)
      ))
    if let base = receive.baseAddress, send.count > 0 {
      for peer in 0..<size {
        guard let from = calls[peer].pointer, from != base + peer * send.count else { continue }
        (base + peer * send.count).copyMemory(from: from, byteCount: send.count)
      }
    }
    group.synchronize()
  }

  /// Copies the root's bytes to every rank.
  ///
  /// - Throws: `ClusterError` where there is no such root, or a rank has failed, returned, or makes
  ///   another call.
  package func broadcast(_ buffer: UnsafeMutableRawBufferPointer, root: Int) throws {
    try checkRoot(root)
    let calls = try enter(
      ThreadCall(op: .broadcast, size: buffer.count, detail: root, pointer: buffer.baseAddress))
    if rank != root, let base = buffer.baseAddress, let from = calls[root].pointer {
      base.copyMemory(from: from, byteCount: buffer.count)
    }
    group.synchronize()
  }

  /// Returns when every rank has arrived.
  ///
  /// - Throws: `ClusterError` where a rank has failed, returned, or makes another call.
  package func barrier() throws { _ = try enter(ThreadCall(op: .barrier)) }

  /// Makes a communicator of the ranks that pass the same color, ordered by key, then rank.
  ///
  /// - Throws: `ClusterError` where a rank has failed, returned, or makes another call, or without
  ///   memory for a group's barrier.
  package func split(color: Int, key: Int) throws -> any Communicator {
    let calls = try enter(ThreadCall(op: .split, color: color, key: key))
    if rank == 0 {
      let pairs = (0..<size).flatMap { [Int64(calls[$0].color), Int64(calls[$0].key)] }
      group.published = pairs.groupsByColor().map { subset in
        let members = subset.map { group.members[$0] }
        return Subgroup(
          ranks: subset,
          group: Result {
            try ThreadGroupState(
              members: members, spins: group.spins, failureFlag: group.failureFlag)
          })
      }
    }
    group.synchronize()
    for case let subset as Subgroup in group.published {
      guard let place = subset.ranks.firstIndex(of: rank) else { continue }
      defer { group.synchronize() }
      return ThreadCommunicator(rank: place, group: try subset.group.get())
    }
    preconditionFailure("every rank is in the group of its color")
  }

  private struct Subgroup: Sendable {
    let ranks: [Int]
    let group: Result<ThreadGroupState, any Error>
  }
}
