/// An exchange of few bytes between ranks of several hosts: first within each host through its
/// memory, then between the hosts' first ranks by MPI, then within each host again.
final class HostGather {
  private let host: HostDomain
  private let hosts: HostTable
  private let packed = Scratch()
  private let received = Scratch()
  private let ordered = Scratch()

  init(_ host: HostDomain, _ hosts: HostTable) {
    self.host = host
    self.hosts = hosts
  }

  /// Returns whether so many bytes from each rank fit.
  func takes(_ byteCount: Int) -> Bool { hosts.rankCount * byteCount <= HostGroup.slotBytes }

  /// Gathers equal contributions in rank order; they stay until the next call but one.
  func gather(_ send: UnsafeRawBufferPointer, _ op: ThreadCall.Op, detail: Int = 0) throws
    -> UnsafeRawPointer
  {
    let count = send.count
    let mine = try host.exchange(.init(op: op, size: count, detail: detail), send)
    var all = UnsafeRawBufferPointer(start: nil, count: 0)
    if host.index == 0, let leaders = hosts.leaders {
      let pack = packed.reserve(host.ranks.count * count)
      for member in host.ranks.indices {
        (pack + member * count).copyMemory(from: mine[member], byteCount: count)
      }
      let total = hosts.rankCount * count
      let receive = received.reserve(total)
      try leaders.allgatherv(
        "\(op)", send: pack, count: host.ranks.count * count, receive: receive,
        hosts.table(byteCount: count))
      let order = ordered.reserve(total)
      for (place, rank) in hosts.order.enumerated() {
        (order + rank * count).copyMemory(from: receive + place * count, byteCount: count)
      }
      all = UnsafeRawBufferPointer(start: order, count: total)
    }
    return UnsafeRawPointer(
      try host.exchange(.init(op: .broadcast, size: hosts.rankCount * count), all)[0])
  }
}

/// The ranks of each host, and the way between the hosts' first processes.
final class HostTable: @unchecked Sendable {
  /// The first processes of all hosts; nil on other processes.
  let leaders: MPICommunicator?
  /// The ranks of the first host, then those of the second, and so on.
  let order: [Int]
  let rankCount: Int
  private let ranksOfHosts: [Int]
  private let bytes: ExchangeTable

  /// Collective over all processes; each gives the members of its host.
  init(_ processes: MPICommunicator, host: [Int], threads: Int) throws {
    let first = host[0] / threads
    let firsts = try processes.allgather([Int64(first)]).map(Int.init)
    let leaders = Set(firsts).sorted()
    self.leaders = try processes.part(first == processes.rank ? 0 : -1, processes.rank)
    let members = leaders.map { leader in
      firsts.indices.filter { firsts[$0] == leader }.flatMap { $0 * threads..<($0 + 1) * threads }
    }
    order = members.flatMap { $0 }
    rankCount = order.count
    ranksOfHosts = members.map(\.count)
    bytes = ExchangeTable(leaders.count)
  }

  /// The table of each host's contributions; used by the first rank of the host alone.
  func table(byteCount: Int) -> ExchangeTable {
    var place = 0
    for (host, ranks) in ranksOfHosts.enumerated() {
      bytes.receiveCounts[host] = ranks * byteCount
      bytes.receiveOffsets[host] = place * byteCount
      place += ranks
    }
    return bytes
  }
}
