/// The process, and the thread of it, that hosts each rank of a product.
struct Placement: Sendable {
  /// The process of each rank.
  let process: [Int]
  /// The ranks of each process, ascending; local thread i hosts the i-th.
  let ranks: [[Int]]
  /// The largest subtrees that one process hosts whole, in leaf order.
  let nodes: [(range: Range<Int>, owner: Int)]
  /// The indices in `nodes` that a process holds.
  let held: [[Int]]
  /// The largest number of nodes that a process holds.
  let mostHeld: Int
  let mostRanks: Int

  init(process: [Int], processes: Int) {
    self.process = process
    var ranks = Array(repeating: [Int](), count: processes)
    for (rank, owner) in process.enumerated() { ranks[owner].append(rank) }
    self.ranks = ranks
    let nodes = ReductionTree(leaves: process.count).subtrees { process[$0] }
    self.nodes = nodes
    held = (0..<processes).map { p in nodes.indices.filter { nodes[$0].owner == p } }
    mostHeld = held.map(\.count).max() ?? 1
    mostRanks = ranks.map(\.count).max() ?? 1
  }
}

/// The state that the threads of one process share in a product with other processes.
///
/// The member with local index 0 leads: it alone calls MPI, between two barriers of the group.
final class ProcessGroup: @unchecked Sendable {
  let group: ThreadGroupState
  let link: MPICommunicator
  let placement: Placement
  let table: ExchangeTable
  let sent = Scratch()
  let received = Scratch()
  /// Start of the sending and the receiving area, set by the leader.
  var send: UnsafeMutableRawPointer
  var receive: UnsafeMutableRawPointer
  /// One value of each process, from the leader to the others.
  var gathered: [Int64] = []
  /// The error that the leader's last MPI call threw.
  private var failure: (any Error)?

  init(group: ThreadGroupState, link: MPICommunicator, placement: Placement) {
    self.group = group
    self.link = link
    self.placement = placement
    table = ExchangeTable(link.size)
    send = sent.reserve(4096)
    receive = received.reserve(4096)
  }

  /// Runs `body` on the leader while the others wait; throws its error on all threads.
  func lead(_ index: Int, _ body: () throws -> Void) throws {
    if index == 0 {
      failure = nil
      do { try body() } catch { failure = error }
    }
    group.synchronize()
    if let failure { throw failure }
  }
}
