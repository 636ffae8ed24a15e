/// Whom a rank shares memory with, and how it reaches the processes of others: what arenas are laid
/// out by.
public final class Topology {
  let domain: any MemoryDomain
  /// The way to the processes of other domains; nil where this domain holds all ranks.
  let link: PeerLink?
  /// A smaller topology that needs no shared memory of the host.
  let inner: Topology?

  init(_ domain: any MemoryDomain, _ link: PeerLink?, inner: Topology? = nil) {
    self.domain = domain
    self.link = link
    self.inner = inner
  }
}

/// A rank's part in calls of MPI, which its process's leader makes.
struct PeerLink {
  let processes: MPICommunicator
  /// The threads that work together on the process's part; nil for one.
  let group: ProcessGroup?
  /// This one's place among them.
  let index: Int
  /// The ranks of each process.
  let ranks: Int
  /// The place where the rank shows that it has come to a call.
  var progress: RankProgress?

  init(processes: MPICommunicator, group: ProcessGroup?, index: Int, ranks: Int? = nil) {
    self.processes = processes
    self.group = group
    self.index = index
    self.ranks = ranks ?? group?.group.size ?? 1
  }

  /// The threads that work together.
  var workers: Int { group?.group.size ?? 1 }

  /// Runs `body` on the leader once all of the process's ranks have come; throws its error on all.
  func lead(_ body: () throws -> Void) throws {
    progress?.arrive()
    guard let group else { return try body() }
    group.group.synchronize()
    try group.lead(index, body)
  }

  /// Waits for the process's other ranks.
  func synchronize() { group?.group.synchronize() }
}

extension SingleRank {
  /// Alone.
  package var topology: Topology? { Topology(SingleRankDomain(rank: 0), nil) }
}

extension ThreadCommunicator {
  /// The group.
  package var topology: Topology? {
    Topology(ThreadDomain(group, ranks: Array(0..<size), index: rank, size: size), nil)
  }
}

extension MPICommunicator {
  /// Alone, with MPI to the others.
  package var topology: Topology? {
    Topology(
      SingleRankDomain(rank: rank),
      size == 1 ? nil : PeerLink(processes: self, group: nil, index: 0))
  }
}

extension ProductCommunicator {
  /// The process's threads, with MPI to the others; nil for a part of the ranks.
  package var topology: Topology? {
    let (placement, link) = (shared.placement, shared.link)
    let threads = shared.group.size
    guard placement.process == (0..<size).map({ $0 / threads }) else { return nil }
    return Topology(
      ThreadDomain(shared.group, ranks: placement.ranks[link.rank], index: index, size: size),
      link.size == 1 ? nil : PeerLink(processes: link, group: shared, index: index))
  }
}

extension HostCommunicator {
  /// The ranks of this one's host, with MPI to other hosts.
  package var topology: Topology? {
    base.topology.map { Topology(host, holdsAll ? nil : $0.link, inner: $0) }
  }
}

extension Communicator {
  /// Nil: arenas are each rank's own.
  public var topology: Topology? { nil }
}
