import DLCore

/// A rank that owns shares, and its gradients.
struct ShareOwner {
  let rank: Int
  let gradients: UnsafeMutableRawPointer
}

/// The way of sums and shares between domains, for one rank.
///
/// A process deals with one process of every other domain, its partner there, so that the processes
/// of a host share the work between hosts. What goes to a partner are the sums of the domain's
/// complete subtrees over the share of the partner's process; it merges them along the tree.
final class InterNodeReducer {
  let link: PeerLink
  private let ranks: [Int]  // of this domain
  let processDomain: [Int]
  let domainProcesses: [[Int]]
  let nodes: [(range: Range<Int>, owner: Int)]
  let held: [[Int]]
  private let total: ReductionPlan
  private let local: [ReductionPlan]
  private let leaves: [Table<UnsafeRawPointer?>]
  private let nodeBuffers: Table<UnsafeRawPointer?>
  /// The sum of the domain's ranks, and that of the domains, where gradients are compressed.
  let domainPlan, acrossDomains: ReductionPlan
  let domainSums: Table<UnsafeRawPointer?>
  let result = Table<UnsafeMutableRawPointer?>(1, nil)
  let partial = Scratch()
  let table: ExchangeTable
  let area: ProcessArea
  /// The bytes that went between domains so far.
  let traffic = VolumeCount()

  /// The memory where the ranks of a process put together what it sends.
  final class ProcessArea: @unchecked Sendable {
    let sent = Scratch()
    let received = Scratch()
    var send: UnsafeMutableRawPointer
    var receive: UnsafeMutableRawPointer
    /// The blocks by which gradients are compressed; nil where they are not.
    var blocks: CompressedBlocks?

    init() {
      send = sent.reserve(4096)
      receive = received.reserve(4096)
    }
  }

  var me: Int { link.processes.rank }
  var home: Int { processDomain[me] }

  /// Collective over all ranks.
  init(_ link: PeerLink, domain ranks: [Int], size: Int) throws {
    self.link = link
    self.ranks = ranks
    let threads = link.ranks
    let firsts = try InterNodeReducer.gather(link, Int64(ranks.first ?? 0))
    let domains = Set(firsts).sorted()
    processDomain = firsts.map { domains.firstIndex(of: $0) ?? 0 }
    let processDomain = processDomain
    domainProcesses = domains.indices.map { domain in
      processDomain.indices.filter { processDomain[$0] == domain }
    }
    let tree = ReductionTree(leaves: size)
    let nodes = tree.subtrees { processDomain[$0 / threads] }
    self.nodes = nodes
    held = domains.indices.map { domain in nodes.indices.filter { nodes[$0].owner == domain } }
    total = tree.plan(nodes.map(\.range))
    let own = held[processDomain[link.processes.rank]].map { nodes[$0].range.count }
    local = own.map { ReductionTree(leaves: $0).plan() }
    leaves = own.map { Table($0, nil) }
    nodeBuffers = Table(nodes.count, nil)
    domainPlan = ReductionTree(leaves: ranks.count).plan()
    acrossDomains = ReductionTree(leaves: domains.count).plan()
    domainSums = Table(domains.count, nil)
    table = ExchangeTable(link.processes.size)
    area = try InterNodeReducer.publish(link, ProcessArea())
  }

  private static func gather(_ link: PeerLink, _ value: Int64) throws -> [Int64] {
    guard let group = link.group else { return try link.processes.allgather([value]) }
    try link.lead { group.gathered = try link.processes.allgather([value]) }
    defer { link.synchronize() }
    return group.gathered
  }

  private static func publish(_ link: PeerLink, _ mine: ProcessArea) throws -> ProcessArea {
    guard let group = link.group else { return mine }
    try link.lead { group.group.published = [mine] }
    let area = group.group.published.first as? ProcessArea
    link.synchronize()
    return area ?? mine
  }

  /// The process of a domain that deals with process `process` of another.
  func partner(of process: Int, in domain: Int) -> Int {
    let place = domainProcesses[processDomain[process]].firstIndex(of: process) ?? 0
    let there = domainProcesses[domain]
    return there[place % there.count]
  }

  /// The elements that a process's ranks own.
  func share(of process: Int, _ cuts: [Int]) -> Range<Int> {
    cuts[process * link.ranks]..<cuts[(process + 1) * link.ranks]
  }

  /// Brings the gradients of owners to the sum over all ranks, each within its share.
  ///
  /// - Parameter owners: this rank, or all of its process where one thread works for them.
  func reduce(
    _ cuts: [Int], peers: Table<UnsafeRawPointer?>, owners: [ShareOwner], type: ElementType
  ) throws {
    let width = type.byteCount
    try countGradients(cuts, width: width)
    if let blocks = area.blocks, type == .float32 {
      return try reduce(cuts, peers: peers, owners: owners, blocks: blocks)
    }
    let processes = link.processes
    let most = held.map(\.count).max() ?? 1
    let longest = (0..<processes.size).map { share(of: $0, cuts).count }.max() ?? 0
    let piece = max(processes.scratchLimit / (width * most * domainProcesses.count), 1024)
    for (node, index) in held[home].enumerated() {
      for (leaf, rank) in nodes[index].range.enumerated() {
        leaves[node][leaf] = peers[ranks.firstIndex(of: rank) ?? 0]
      }
    }
    var start = 0
    while start < longest {
      func part(_ process: Int) -> Range<Int> {
        let all = share(of: process, cuts)
        let lower = min(all.lowerBound + start, all.upperBound)
        return lower..<min(lower + piece, all.upperBound)
      }
      try send(part, type)
      for owner in owners {
        merge(
          part(me).clamped(to: cuts[owner.rank]..<cuts[owner.rank + 1]), part(me),
          into: owner.gradients, type)
      }
      // What was received is used by all of the process's ranks before the next piece comes.
      link.synchronize()
      start += piece
    }
  }

  /// Sums this domain's subtrees over what its partners own, and exchanges them.
  private func send(_ part: (Int) -> Range<Int>, _ type: ElementType) throws {
    let width = type.byteCount
    var end = 0
    for process in 0..<link.processes.size {
      let isTarget = processDomain[process] != home && partner(of: process, in: home) == me
      let range = isTarget ? part(process) : 0..<0
      table.sendOffsets[process] = end
      table.sendCounts[process] = held[home].count * range.count * width
      end += table.sendCounts[process]
    }
    let mine = part(me)
    var receiveEnd = 0
    for process in 0..<link.processes.size {
      let domain = processDomain[process]
      let isSource = domain != home && partner(of: me, in: domain) == process
      table.receiveOffsets[process] = receiveEnd
      table.receiveCounts[process] = isSource ? held[domain].count * mine.count * width : 0
      receiveEnd += table.receiveCounts[process]
    }
    try link.lead {
      area.send = area.sent.reserve(end)
      area.receive = area.received.reserve(receiveEnd)
    }
    for process in 0..<link.processes.size where table.sendCounts[process] > 0 {
      let range = part(process)
      let own = slice(of: range, parts: link.workers, index: link.index)
      for node in local.indices {
        let base =
          area.send + table.sendOffsets[process] + (node * range.count - range.lowerBound) * width
        result[0] = base
        local[node].run(
          type, sources: UnsafePointer(leaves[node].base),
          destinations: UnsafeBufferPointer(result.values), range: own)
      }
    }
    try link.lead {
      try link.processes.alltoallv(
        "reduce", send: area.send, receive: area.receive, table)
    }
  }

  /// Merges the subtrees of all domains over a range within this process's part.
  private func merge(
    _ range: Range<Int>, _ part: Range<Int>, into gradients: UnsafeMutableRawPointer,
    _ type: ElementType
  ) {
    if range.isEmpty { return }
    let width = type.byteCount
    let scratch = partial.reserve(local.count * range.count * width)
    for (node, index) in held[home].enumerated() {
      if leaves[node].values.count == 1 {
        nodeBuffers[index] = leaves[node][0]
        continue
      }
      let base = scratch + (node * range.count - range.lowerBound) * width
      result[0] = base
      local[node].run(
        type, sources: UnsafePointer(leaves[node].base),
        destinations: UnsafeBufferPointer(result.values), range: range)
      nodeBuffers[index] = UnsafeRawPointer(base)
    }
    for domain in domainProcesses.indices where domain != home {
      let from = partner(of: me, in: domain)
      for (place, index) in held[domain].enumerated() {
        nodeBuffers[index] = UnsafeRawPointer(
          area.receive + table.receiveOffsets[from] + (place * part.count - part.lowerBound) * width
        )
      }
    }
    result[0] = gradients
    total.run(
      type, sources: UnsafePointer(nodeBuffers.base),
      destinations: UnsafeBufferPointer(result.values), range: range)
  }

  /// Sends this process's shares of the parameters to its partners, and takes those of other domains
  /// in.
  func publish(_ cuts: [Int], values: UnsafeMutableRawPointer, type: ElementType) throws {
    let width = type.byteCount
    traffic.sum.parameters +=
      (domainProcesses.count - 1) * ((cuts.last ?? 0) - (cuts.first ?? 0)) * width
    try link.lead {
      let mine = share(of: me, cuts)
      for process in 0..<link.processes.size {
        let domain = processDomain[process]
        let range = share(of: process, cuts)
        let sends = domain != home && partner(of: me, in: domain) == process
        let receives = domain != home && partner(of: process, in: home) == me
        table.sendCounts[process] = sends ? mine.count * width : 0
        table.sendOffsets[process] = mine.lowerBound * width
        table.receiveCounts[process] = receives ? range.count * width : 0
        table.receiveOffsets[process] = range.lowerBound * width
      }
      try link.processes.alltoallv("publish", send: values, receive: values, table)
    }
  }
}
