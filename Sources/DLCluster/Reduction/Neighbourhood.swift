/// Whom a rank shares memory with, and how it reaches the processes of others: what arenas are laid
/// out by.
public final class Neighbourhood {
  let domain: any MemoryDomain
  /// The way to the processes of other domains; nil where this domain holds all ranks.
  let link: ProcessLink?
  /// A smaller neighbourhood that needs no shared memory of the host.
  let inner: Neighbourhood?

  init(_ domain: any MemoryDomain, _ link: ProcessLink?, inner: Neighbourhood? = nil) {
    self.domain = domain
    self.link = link
    self.inner = inner
  }
}

/// How a rank takes part in calls of MPI, which its process's leader makes.
struct ProcessLink {
  let processes: MPICommunicator
  /// The threads that work together on the process's part; nil for one.
  let team: ProcessTeam?
  /// This one's place among them.
  let index: Int
  /// The ranks of each process.
  let ranks: Int
  /// Where the rank shows that it has come to a call.
  var progress: RankProgress?

  init(processes: MPICommunicator, team: ProcessTeam?, index: Int, ranks: Int? = nil) {
    self.processes = processes
    self.team = team
    self.index = index
    self.ranks = ranks ?? team?.team.size ?? 1
  }

  /// The threads that work together.
  var workers: Int { team?.team.size ?? 1 }

  /// Runs `body` on the leader once all of the process's ranks have come; throws its error on all.
  func lead(_ body: () throws -> Void) throws {
    progress?.arrive()
    guard let team else { return try body() }
    team.team.synchronize()
    try team.lead(index, body)
  }

  /// Waits for the process's other ranks.
  func synchronize() { team?.team.synchronize() }
}

extension SingleRank {
  /// Alone.
  public var neighbourhood: Neighbourhood? { Neighbourhood(LoneDomain(rank: 0), nil) }
}

extension ThreadCommunicator {
  /// The group.
  public var neighbourhood: Neighbourhood? {
    Neighbourhood(ThreadDomain(team, ranks: Array(0..<size), index: rank, size: size), nil)
  }
}

extension MPICommunicator {
  /// Alone, with MPI to the others.
  public var neighbourhood: Neighbourhood? {
    Neighbourhood(
      LoneDomain(rank: rank), size == 1 ? nil : ProcessLink(processes: self, team: nil, index: 0))
  }
}

extension ProductCommunicator {
  /// The process's threads, with MPI to the others; nil for a part of the ranks.
  public var neighbourhood: Neighbourhood? {
    let (placement, link) = (shared.placement, shared.link)
    let threads = shared.team.size
    guard placement.process == (0..<size).map({ $0 / threads }) else { return nil }
    return Neighbourhood(
      ThreadDomain(shared.team, ranks: placement.ranks[link.rank], index: index, size: size),
      link.size == 1 ? nil : ProcessLink(processes: link, team: shared, index: index))
  }
}

extension HostCommunicator {
  /// The ranks of this one's host, with MPI to other hosts.
  public var neighbourhood: Neighbourhood? {
    base.neighbourhood.map { Neighbourhood(host, holdsAll ? nil : $0.link, inner: $0) }
  }
}

extension Communicator {
  /// Nil: arenas are each rank's own.
  public var neighbourhood: Neighbourhood? { nil }
}
