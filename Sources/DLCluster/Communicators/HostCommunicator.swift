import DLCore

/// Ranks of several processes that share the memory of their hosts.
///
/// Where one host holds all ranks, their collectives run through its shared memory. Between several
/// hosts small sums and gatherings, as those of synchronized batch norm, go through each host's
/// memory and one exchange of the hosts' first ranks; large ones are those of the base, which knows
/// all ranks. Sums have the bits of ``ReductionTree`` in any case.
package final class HostCommunicator: Communicator {
  /// This rank's index.
  package var rank: Int { base.rank }
  /// The number of ranks.
  package var size: Int { base.size }

  /// The same ranks without the memory of hosts.
  package let base: any Communicator
  let host: HostDomain
  let holdsAll: Bool
  private let hosts: HostGather?
  private let plan: ReductionPlan
  private let sources: Table<UnsafeRawPointer?>
  private let destination = Table<UnsafeMutableRawPointer?>(1, nil)

  init(_ base: any Communicator, _ group: HostGroup) {
    self.base = base
    host = HostDomain(group, rank: base.rank)
    holdsAll = group.ranks.count == base.size
    hosts = group.hosts.map { [host] in HostGather(host, $0) }
    plan = ReductionTree(leaves: base.size).plan()
    sources = Table(base.size, nil)
  }

  /// Runs `body` as every rank of `processes` with `threads` threads each, the ranks of a host over
  /// its shared memory; collective.
  ///
  /// - Parameters:
  ///   - sharesHosts: whether to use the memory of hosts at all.
  ///   - hostSize: how many processes, from rank 0 on, count as one host, where one plays several;
  ///     the hosts as they are unless given.
  ///   - report: takes the reason on every process where it cannot be used.
  /// - Returns: what this process's ranks return.
  /// - Throws: `ClusterError` where MPI fails; with one thread what `body` throws; with several as
  ///   ``ProductCommunicator/run(over:threads:stackBytes:body:)``.
  package static func run<R: Sendable>(
    over processes: MPICommunicator, threads: Int, sharesHosts: Bool, hostSize: Int? = nil,
    report: (String) -> Void, body: @escaping @Sendable (any Communicator) throws -> R
  ) throws -> [R] {
    let (group, reason) =
      sharesHosts
      ? try HostGroup.make(over: processes, threads: threads, hostSize: hostSize) : (nil, nil)
    if let reason { report(reason) }
    if threads == 1 {
      return [try body(group.map { HostCommunicator(processes, $0) } ?? processes)]
    }
    return try ProductCommunicator.run(over: processes, threads: threads) { communicator in
      guard let group, let product = communicator as? ProductCommunicator else {
        return try body(communicator)
      }
      product.shared.group.failureFlag.add(group)
      return try body(HostCommunicator(product, group))
    }
  }

  /// Sums `count` elements over all ranks, in place; every rank sums all of each piece.
  ///
  /// - Throws: `ClusterError` for a negative count, where a rank has failed or makes another call,
  ///   or where MPI between hosts fails.
  package func allreduceSum(
    _ buffer: UnsafeMutableRawPointer, count: Int, type: ElementType
  ) throws {
    let width = type.byteCount
    guard holdsAll else {
      guard let hosts, count > 0, hosts.takes(count * width) else {
        return try base.allreduceSum(buffer, count: count, type: type)
      }
      let all = try hosts.gather(
        UnsafeRawBufferPointer(start: buffer, count: count * width), .allreduce,
        detail: Int(type.rawValue))
      for rank in 0..<size { sources[rank] = all + rank * count * width }
      sum(type, into: buffer, count)
      return
    }
    try checkCount(count, "allreduce")
    var start = 0
    repeat {
      let length = min(HostGroup.slotBytes / width, count - start)
      let piece = buffer + start * width
      let mail = try host.exchange(
        .init(op: .allreduce, size: count, detail: Int(type.rawValue)),
        UnsafeRawBufferPointer(start: piece, count: length * width))
      for member in 0..<size { sources[member] = UnsafeRawPointer(mail[member]) }
      sum(type, into: piece, length)
      start += length
    } while start < count
  }

  private func sum(_ type: ElementType, into result: UnsafeMutableRawPointer, _ count: Int) {
    destination[0] = result
    plan.run(
      type, sources: sources.base, destinations: UnsafeBufferPointer(destination.values),
      range: 0..<count)
  }

  /// Gathers equal contributions in rank order.
  ///
  /// - Throws: `ClusterError` where `receive` has another length, a rank has failed or makes
  ///   another call, or MPI between hosts fails.
  package func allgather(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    guard holdsAll else {
      guard let hosts, !send.isEmpty, hosts.takes(send.count) else {
        return try base.allgather(send, into: receive)
      }
      try checkGather(send, receive)
      receive.copyMemory(
        from: UnsafeRawBufferPointer(
          start: try hosts.gather(send, .allgather), count: size * send.count))
      return
    }
    try checkGather(send, receive)
    var start = 0
    repeat {
      let length = min(HostGroup.slotBytes, send.count - start)
      let mail = try host.exchange(
        .init(op: .allgather, size: send.count),
        UnsafeRawBufferPointer(rebasing: send[start..<start + length]))
      if let base = receive.baseAddress {
        for member in 0..<size {
          (base + member * send.count + start).copyMemory(from: mail[member], byteCount: length)
        }
      }
      start += length
    } while start < send.count
  }

  /// Copies the root's bytes to every rank.
  ///
  /// - Throws: `ClusterError` where there is no such root, a rank has failed or makes another call,
  ///   or MPI between hosts fails.
  package func broadcast(_ buffer: UnsafeMutableRawBufferPointer, root: Int) throws {
    guard holdsAll else { return try base.broadcast(buffer, root: root) }
    try checkRoot(root)
    var start = 0
    repeat {
      let length = min(HostGroup.slotBytes, buffer.count - start)
      let piece = buffer[start..<start + length]
      let mail = try host.exchange(
        .init(op: .broadcast, size: buffer.count, detail: root),
        UnsafeRawBufferPointer(rebasing: rank == root ? piece : piece.prefix(0)))
      if rank != root, let base = buffer.baseAddress {
        (base + start).copyMemory(from: mail[root], byteCount: length)
      }
      start += length
    } while start < buffer.count
  }

  /// Returns when every rank has arrived.
  ///
  /// - Throws: `ClusterError` where a rank has failed or makes another call, or MPI between hosts
  ///   fails.
  package func barrier() throws { try holdsAll ? host.synchronize() : base.barrier() }

  /// Makes a communicator of the ranks that pass the same color, ordered by key, then rank.
  ///
  /// - Throws: `ClusterError` where the base cannot be split, as
  ///   ``ProductCommunicator/split(color:key:)`` and ``MPICommunicator/split(color:key:)`` say.
  package func split(color: Int, key: Int) throws -> any Communicator {
    try base.split(color: color, key: key)
  }
}
