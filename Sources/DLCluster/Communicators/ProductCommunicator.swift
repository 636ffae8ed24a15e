import CSystem
import DLCore

/// Ranks that are threads of several processes: rank = process * threads + thread.
///
/// Collectives run over all ranks in canonical order, and a process passes on the complete subtrees
/// that its threads make up, so sums have the bits of a ``ThreadGroup`` of as many ranks. When a
/// thread throws, its process's other threads get ``ClusterError/peerFailed(op:rank:size:)``; other
/// processes cannot be told, so that aborting the job (``MPIRuntime/abort(_:)``) is the caller's
/// part.
package final class ProductCommunicator: Communicator {
  /// This thread's rank among all ranks.
  package let rank: Int
  /// The number of ranks.
  package let size: Int

  let shared: ProcessGroup
  let index: Int  // among the process's threads
  private let total: ReductionPlan
  private let local: [ReductionPlan]
  private let leafBuffers: [Table<UnsafeRawPointer?>]
  private let nodeBuffers: Table<UnsafeRawPointer?>
  /// The place where each process's nodes start among all nodes, by process.
  private let received: [Int]
  private let result = Table<UnsafeMutableRawPointer?>(1, nil)

  private var group: ThreadGroupState { shared.group }
  private var link: MPICommunicator { shared.link }
  private var placement: Placement { shared.placement }

  init(shared: ProcessGroup, index: Int) {
    self.shared = shared
    self.index = index
    let placement = shared.placement
    size = placement.process.count
    rank = placement.ranks[shared.link.rank][index]
    total = ReductionTree(leaves: size).plan(placement.nodes.map(\.range))
    var next = 0
    received = placement.held.map { nodes in
      defer { next += nodes.count }
      return next
    }
    let own = placement.held[shared.link.rank].map { placement.nodes[$0].range.count }
    local = own.map { ReductionTree(leaves: $0).plan() }
    leafBuffers = own.map { Table($0, nil) }
    nodeBuffers = Table(placement.nodes.count, nil)
  }

  /// Runs `body` on `threads` threads of every process of `processes` and returns what this
  /// process's threads return; collective.
  ///
  /// `processes` serves the product alone meanwhile.
  ///
  /// - Throws: as ``ThreadGroup/run(ranks:stackBytes:body:)``; `ClusterError` on every process
  ///   where their threads differ in number, and where MPI fails or supports one thread alone.
  @discardableResult
  package static func run<R: Sendable>(
    over processes: MPICommunicator, threads: Int,
    stackBytes: Int = ThreadGroup.defaultStackBytes,
    body: @escaping @Sendable (any Communicator) throws -> R
  ) throws -> [R] {
    let counts = try processes.allgather([Int64(threads)])
    guard (1...1024).contains(threads), counts.allSatisfy({ $0 == Int64(threads) }) else {
      throw ClusterError.invalidArgument(
        op: "product", rank: processes.rank, size: processes.size,
        detail: "every process has the same number of threads, 1 to 1024, not \(counts)")
    }
    guard processes.threadLevel >= .serialized else {
      throw ClusterError.threadLevel(op: "product", provided: "\(processes.threadLevel)")
    }
    let failureFlag = FailureFlag()
    let local = try processes.nodeLocal().size
    let spins = Int(dl_cores_in_mask()) >= threads && Int(dl_cores_online()) >= threads * local
    let placement = Placement(
      process: (0..<processes.size * threads).map { $0 / threads }, processes: processes.size)
    let shared = ProcessGroup(
      group: try ThreadGroupState(
        members: Array(0..<threads), spins: spins, failureFlag: failureFlag),
      link: processes, placement: placement)
    return try runThreads(count: threads, stackBytes: stackBytes, failureFlag: failureFlag) {
      try body(ProductCommunicator(shared: shared, index: $0))
    }
  }

  func enter(_ call: ThreadCall) throws -> UnsafePointer<ThreadCall> {
    try group.enter(call, index: index, rank: rank, size: size)
  }

  /// Sums `count` elements over all ranks, in place, in pieces within kept scratch memory.
  ///
  /// - Throws: `ClusterError` for a negative count, where a thread of the process has failed or
  ///   makes another call, or where MPI fails.
  package func allreduceSum(
    _ buffer: UnsafeMutableRawPointer, count: Int, type: ElementType
  ) throws {
    try checkCount(count, "allreduce")
    let calls = try enter(
      ThreadCall(op: .allreduce, size: count, detail: Int(type.rawValue), pointer: buffer))
    if count == 0 { return }
    let width = type.byteCount
    if count * width * placement.mostHeld * link.size <= link.gatherLimit {
      try gatherAndSum(calls, buffer, count, type)
    } else {
      let piece = max(link.scratchLimit / (width * placement.mostHeld), 16 * link.size)
      try shared.lead(index) { reserve(min(piece, count) * width) }
      var start = 0
      while start < count {
        let length = min(piece, count - start)
        try exchange(calls, start * width, length, type)
        start += length
      }
    }
    group.synchronize()
  }

  /// Points a held node's table at its ranks' buffers.
  private func leaves(
    _ node: Int, _ calls: UnsafePointer<ThreadCall>, _ shift: Int
  ) -> UnsafePointer<UnsafeRawPointer?> {
    let ranks = placement.ranks[link.rank]
    let range = placement.nodes[placement.held[link.rank][node]].range
    for (leaf, rank) in range.enumerated() {
      // The process's ranks ascend and the node's are all its own: the first gives the rest.
      let thread = ranks.firstIndex(of: range.lowerBound)! + rank - range.lowerBound
      leafBuffers[node][leaf] = UnsafeRawPointer(calls[thread].pointer).map { $0 + shift }
    }
    return UnsafePointer(leafBuffers[node].base)
  }

  private func sum(
    _ plan: ReductionPlan, _ sources: UnsafePointer<UnsafeRawPointer?>,
    _ destination: UnsafeMutableRawPointer, _ range: Range<Int>, _ type: ElementType
  ) {
    result[0] = destination
    plan.run(
      type, sources: sources, destinations: UnsafeBufferPointer(result.values), range: range)
  }

  private func gatherAndSum(
    _ calls: UnsafePointer<ThreadCall>, _ buffer: UnsafeMutableRawPointer, _ count: Int,
    _ type: ElementType
  ) throws {
    let bytes = count * type.byteCount
    let share = bytes * placement.mostHeld
    try shared.lead(index) {
      shared.send = shared.sent.reserve(share)
      shared.receive = shared.received.reserve(share * link.size)
      for node in local.indices {
        sum(local[node], leaves(node, calls, 0), shared.send + node * bytes, 0..<count, type)
      }
      try link.allgather(
        UnsafeRawBufferPointer(start: shared.send, count: share),
        into: UnsafeMutableRawBufferPointer(start: shared.receive, count: share * link.size))
    }
    for process in 0..<link.size {
      for (place, node) in placement.held[process].enumerated() {
        nodeBuffers[node] = UnsafeRawPointer(shared.receive + process * share + place * bytes)
      }
    }
    sum(total, nodeBuffers.base, buffer, 0..<count, type)
  }

  private func reserve(_ bytes: Int) {
    shared.send = shared.sent.reserve(local.count * bytes)
    // A slice is cut at 16 elements: at most 128 bytes above its even share.
    shared.receive = shared.received.reserve(
      placement.nodes.count * (bytes / link.size + 256))
  }

  /// One piece: threads sum their process's nodes, slices go to the processes that own them,
  /// threads sum the slice, and the leader gathers the result into its own buffer.
  private func exchange(
    _ calls: UnsafePointer<ThreadCall>, _ shift: Int, _ count: Int, _ type: ElementType
  ) throws {
    let width = type.byteCount
    let me = link.rank
    func part(_ process: Int) -> Range<Int> {
      slice(of: 0..<count, parts: link.size, index: process)
    }
    let own = part(me)
    // The sending area holds, for each process, the part of each held node that it owns.
    let mine = slice(of: 0..<count, parts: group.size, index: index)
    for node in local.indices {
      let sources = leaves(node, calls, shift)
      for process in 0..<link.size {
        let target = part(process)
        let range = mine.clamped(to: target)
        let base = local.count * target.lowerBound + node * target.count - target.lowerBound
        sum(local[node], sources, shared.send + base * width, range, type)
      }
    }
    group.synchronize()
    try shared.lead(index) {
      for process in 0..<link.size {
        let isSelf = process == me
        let target = part(process)
        shared.table.sendCounts[process] = isSelf ? 0 : local.count * target.count * width
        shared.table.sendOffsets[process] = local.count * target.lowerBound * width
        let nodes = isSelf ? 0 : placement.held[process].count
        shared.table.receiveCounts[process] = nodes * own.count * width
        shared.table.receiveOffsets[process] = received[process] * own.count * width
      }
      try link.alltoallv(
        "allreduce", send: shared.send, receive: shared.receive, shared.table)
    }
    for process in 0..<link.size {
      let base =
        process == me
        ? shared.send + local.count * own.lowerBound * width
        : shared.receive + received[process] * own.count * width
      for (place, node) in placement.held[process].enumerated() {
        nodeBuffers[node] = UnsafeRawPointer(base + place * own.count * width)
      }
    }
    guard let leader = calls[0].pointer.map({ $0 + shift }) else { return }
    sum(
      total, nodeBuffers.base, leader + own.lowerBound * width,
      slice(of: 0..<own.count, parts: group.size, index: index), type)
    group.synchronize()
    try shared.lead(index) {
      for process in 0..<link.size {
        shared.table.receiveCounts[process] = part(process).count * width
        shared.table.receiveOffsets[process] = part(process).lowerBound * width
      }
      try link.allgatherv(
        "allreduce", send: leader + own.lowerBound * width, count: own.count * width,
        receive: leader, shared.table)
    }
    if index != 0, let buffer = calls[index].pointer {
      (buffer + shift).copyMemory(from: leader, byteCount: count * width)
    }
  }
}
