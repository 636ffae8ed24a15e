import CSystem
import DLCore

/// An arena whose parameters the ranks of a domain (a process, or a host) have in common, and whose
/// shares each have one owner.
///
/// Within a domain the owner of a share sums it over all ranks' gradients where they lie, and nobody
/// copies anything out. Between domains each sends the sums of the complete subtrees that it holds
/// to the owner: a process deals with one process in each other domain.
package final class ShardedReducer: GradientReducer {
  /// The domain's parameters.
  package let values: UnsafeMutableRawPointer
  /// This rank's gradients.
  package let gradients: UnsafeMutableRawPointer
  /// True.
  package let isSharded = true
  /// True if this rank is the first of its domain.
  package var writesValues: Bool { domain.index == 0 }
  /// The first rank of its domain.
  package var holder: Int? { domain.ranks.first }
  /// The reason why the memory of the host could not be used; nil where it is, or was not asked
  /// for.
  package let reason: String?

  private let rank: Int
  private let domain: any MemoryDomain
  private let memory: SharedMemory
  private let link: PeerLink?
  private let size: Int
  private let owner: [ShareOwner]
  private let plan: ReductionPlan
  private let peers: Table<UnsafeRawPointer?>
  private let result = Table<UnsafeMutableRawPointer?>(1, nil)
  let route: InterNodeReducer?
  /// The bytes that communication threads have sent.
  private var counts: [VolumeCount] = []

  /// Makes an arena of zeros, of `byteCount` bytes for the parameters and as many for each rank's
  /// gradients; collective.
  ///
  /// - Throws: on every rank ``ClusterError/system(op:errno:detail:)`` without memory.
  package init(_ communicator: any Communicator, _ topology: Topology, byteCount: Int)
    throws
  {
    rank = communicator.rank
    size = communicator.size
    var chosen = topology
    var outcome = Result { try ShardedReducer.memory(chosen.domain, byteCount) }
    var reason = ""
    if case .failure(let error) = outcome { reason = "\(error)" }
    let failed = try communicator.allgather([Int64(reason.isEmpty ? 0 : 1)]).firstIndex(of: 1)
    if let failed {
      reason = try communicator.broadcast(reason, root: failed)
      if let inner = topology.inner {
        chosen = inner
        outcome = Result { try ShardedReducer.memory(inner.domain, byteCount) }
        _ = try communicator.agreed("make the arena") { try outcome.get() }
      }
    }
    let domain = chosen.domain
    let memory = try outcome.get()
    let base = memory.pointer
    self.reason = failed == nil ? nil : reason
    self.domain = domain
    self.memory = memory
    values = base
    func own(_ member: Int) -> UnsafeMutableRawPointer {
      base + ShardedReducer.offset(member: member, byteCount)
    }
    gradients = own(domain.index)
    owner = [ShareOwner(rank: rank, gradients: own(domain.index))]
    link = chosen.link
    peers = Table(domain.ranks.count, nil)
    for member in domain.ranks.indices { peers[member] = UnsafeRawPointer(own(member)) }
    plan = ReductionTree(leaves: domain.ranks.count).plan()
    route = try chosen.link.map {
      try InterNodeReducer($0, domain: domain.ranks, size: communicator.size)
    }
  }

  private static func memory(_ domain: any MemoryDomain, _ byteCount: Int) throws -> SharedMemory {
    let members = domain.ranks.count
    return try domain.share(
      offset(member: members, byteCount),
      parts: parts(of: domain.index, members: members, byteCount))
  }

  /// The memory that a member uses most: its slice of the parameters, with the gap behind the
  /// last, and its gradients.
  package static func parts(of member: Int, members: Int, _ byteCount: Int) -> [Range<Int>] {
    [
      slice(of: 0..<offset(member: 0, byteCount), parts: members, index: member),
      offset(member: member, byteCount)..<offset(member: member + 1, byteCount),
    ]
  }

  /// The place where a member's gradients begin: behind the parameters, and not at the same place
  /// of a page as another's, so that reading all of them does not crowd one set of the cache.
  private static func offset(member: Int, _ byteCount: Int) -> Int {
    (byteCount + 4095) / 4096 * 4096 + member * ((byteCount + 4095) / 4096 * 4096 + 576)
  }

  /// Sums this rank's share over all ranks.
  ///
  /// - Throws: `ClusterError` where a rank of the domain has failed, MPI fails, or compressed
  ///   shares do not end where blocks do; what `summed` throws.
  package func reduce(
    _ cuts: [Int], blocks: ArraySlice<Range<Int>>, type: ElementType,
    summed: (Range<Int>) throws -> Void
  ) throws {
    try domain.synchronize()
    if let route {
      try route.reduce(cuts, peers: peers, owners: owner, type: type)
    }
    for block in blocks {
      if route == nil {
        result[0] = gradients
        plan.run(
          type, sources: peers.base, destinations: UnsafeBufferPointer(result.values), range: block)
      }
      try summed(block)
    }
  }

  /// Sends the shares to other domains, and waits for this one's ranks.
  ///
  /// - Throws: `ClusterError` where MPI between domains fails, or a rank of the domain has failed.
  package func publish(_ cuts: [Int], type: ElementType) throws {
    try route?.publish(cuts, values: values, type: type)
    try domain.synchronize()
  }

  /// The bytes that went between domains so far.
  package var traffic: CommunicationVolume {
    counts.reduce(route?.traffic.sum ?? CommunicationVolume()) { $0 + $1.sum }
  }

  /// Waits for the domain's ranks.
  ///
  /// - Throws: `ClusterError` where one of them has failed or makes another call.
  package func synchronize() throws { try domain.synchronize() }

  /// An even part for each of the domain's ranks.
  package func part(of range: Range<Int>) -> Range<Int> {
    slice(of: range, parts: domain.ranks.count, index: domain.index)
  }
}

extension ShardedReducer {
  /// True if sums go between domains, which a thread of their own can exchange while ranks compute.
  package var hasExchange: Bool { route != nil }

  /// The reason why a communication thread cannot run, or should not; nil where it may.
  ///
  /// The same on all ranks; collective.
  ///
  /// - Parameter isForced: whether it is to run even where it has no core for itself.
  /// - Throws: `ClusterError` where MPI fails, on all ranks of the process.
  package func obstacleToOverlap(isForced: Bool) throws -> String? {
    guard let link else { return "all ranks share memory" }
    var mine = Int64(0)
    try link.lead {
      let processes = link.processes
      let here = try processes.nodeLocal().size
      let online = Int(dl_cores_online())
      let spare = min(online - here * (link.ranks + 1), Int(dl_cores_in_mask()) - link.ranks - 1)
      mine = processes.threadLevel < .multiple ? 2 : spare < 0 ? 1 : 0
      mine = try processes.allgather([mine]).max() ?? 0
      link.group?.gathered = [mine]
    }
    if let group = link.group { mine = group.gathered[0] }
    link.synchronize()
    return switch mine {
    case 2: "MPI gives no MPI_THREAD_MULTIPLE"
    case 1 where !isForced: "no core is left for a communication thread"
    default: nil
    }
  }

  /// Starts the communication thread of this rank's process; collective.
  ///
  /// - Parameters:
  ///   - buckets: the bounds of the shares of each bucket, in the order of the arena.
  ///   - track: where the exchanges are recorded; that of a process's first rank counts.
  /// - Throws: `ClusterError` where the system refuses memory or a thread.
  package func overlap(_ buckets: [[Int]], type: ElementType, track: Track?) throws
    -> OverlappedReduction?
  {
    guard let link else { return nil }
    let ready = try domain.share(OverlappedReduction.readyBytes(buckets.count))
    var made: ExchangeThread?
    try link.lead {
      let processes = try link.processes.duplicate()
      let route = try InterNodeReducer(
        PeerLink(processes: processes, group: nil, index: 0, ranks: link.ranks),
        domain: domain.ranks, size: size)
      route.area.blocks = self.route?.area.blocks
      let first = link.processes.rank * link.ranks
      let owners = (first..<first + link.ranks).map { rank in
        ShareOwner(
          rank: rank,
          gradients: UnsafeMutableRawPointer(
            mutating: peers[domain.ranks.firstIndex(of: rank) ?? 0]
              ?? UnsafeRawPointer(gradients)))
      }
      made = try ExchangeThread(
        ExchangeThread.Work(
          route: route, processes: processes, buckets: buckets, peers: peers, owners: owners,
          type: type, ready: ready, members: domain.ranks.count, track: track, arena: self))
      if let group = link.group, let made {
        group.group.published = [made]
        group.group.failureFlag.add(made)
      }
    }
    if let group = link.group { made = group.group.published.first as? ExchangeThread }
    link.synchronize()
    guard let made else { preconditionFailure("the leader starts the thread") }
    counts.append(made.traffic)
    return OverlappedReduction(
      made, ready: ready, isLeader: link.index == 0, rank: rank, size: size)
  }
}
