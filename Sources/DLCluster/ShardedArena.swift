/// An arena whose parameters the ranks of a domain (a process, or a host) have in common, and whose
/// shares each have one owner.
///
/// Within a domain the owner of a share sums it over all ranks' gradients where they lie, and nobody
/// copies anything out. Between domains each sends the sums of the complete subtrees that it holds
/// to the owner: a process deals with one process in each other domain.
public final class ShardedArena: ArenaExchange {
  /// The domain's parameters.
  public let values: UnsafeMutableRawPointer
  /// This rank's gradients.
  public let gradients: UnsafeMutableRawPointer
  /// True.
  public let isSharded = true
  /// Whether this rank is the first of its domain.
  public var writesValues: Bool { domain.index == 0 }
  /// Why the memory of the host could not be used; nil where it is, or was not asked for.
  public let reason: String?

  private let rank: Int
  private let domain: any MemoryDomain
  private let memory: SharedMemory
  private let plan: ReductionPlan
  private let peers: Table<UnsafeRawPointer?>
  private let result = Table<UnsafeMutableRawPointer?>(1, nil)
  private let route: ArenaRoute?

  /// Makes an arena of zeros, of `byteCount` bytes for the parameters and as many for each rank's
  /// gradients; collective.
  ///
  /// - Throws: on every rank ``ClusterError/system(op:errno:detail:)`` without memory.
  public init(_ communicator: any Communicator, _ neighbourhood: Neighbourhood, byteCount: Int)
    throws
  {
    rank = communicator.rank
    var chosen = neighbourhood
    var outcome = Result { try ShardedArena.memory(chosen.domain, byteCount) }
    var reason = ""
    if case .failure(let error) = outcome { reason = "\(error)" }
    let failed = try communicator.allgather([Int64(reason.isEmpty ? 0 : 1)]).firstIndex(of: 1)
    if let failed {
      reason = try communicator.broadcast(reason, root: failed)
      if let inner = neighbourhood.inner {
        chosen = inner
        outcome = Result { try ShardedArena.memory(inner.domain, byteCount) }
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
      base + ShardedArena.offset(member: member, byteCount)
    }
    gradients = own(domain.index)
    peers = Table(domain.ranks.count, nil)
    for member in domain.ranks.indices { peers[member] = UnsafeRawPointer(own(member)) }
    plan = ReductionTree(leaves: domain.ranks.count).plan()
    route = try chosen.link.map {
      try ArenaRoute($0, domain: domain.ranks, size: communicator.size)
    }
  }

  private static func memory(_ domain: any MemoryDomain, _ byteCount: Int) throws -> SharedMemory {
    try domain.share(offset(member: domain.ranks.count, byteCount))
  }

  /// Where a member's gradients begin: behind the parameters, and not at the same place of a page as
  /// another's, so that reading all of them does not crowd one set of the cache.
  private static func offset(member: Int, _ byteCount: Int) -> Int {
    (byteCount + 4095) / 4096 * 4096 + member * ((byteCount + 4095) / 4096 * 4096 + 576)
  }

  /// Sums this rank's share over all ranks.
  public func reduce(
    _ cuts: [Int], blocks: ArraySlice<Range<Int>>, type: ElementType,
    summed: (Range<Int>) throws -> Void
  ) throws {
    try domain.synchronize()
    if let route {
      try route.reduce(
        cuts, rank: rank, peers: peers, into: gradients, type: type)
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
  public func publish(_ cuts: [Int], type: ElementType) throws {
    try route?.publish(cuts, values: values, type: type)
    try domain.synchronize()
  }

  /// Waits for the domain's ranks.
  public func synchronize() throws { try domain.synchronize() }

  /// An even part for each of the domain's ranks.
  public func part(of range: Range<Int>) -> Range<Int> {
    slice(of: range, parts: domain.ranks.count, index: domain.index)
  }
}
