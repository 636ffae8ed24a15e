extension ProductCommunicator {
  /// Gathers equal contributions in rank order.
  ///
  /// - Throws: `ClusterError` where `receive` has another length, a thread of the process has
  ///   failed or makes another call, or MPI fails.
  package func allgather(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    try checkGather(send, receive)
    let calls = try enter(
      ThreadCall(
        op: .allgather, size: send.count,
        pointer: UnsafeMutableRawPointer(mutating: send.baseAddress)
      ))
    guard let base = receive.baseAddress, send.count > 0 else { return }
    let (link, placement) = (shared.link, shared.placement)
    let most = placement.mostRanks
    let piece = max(64, link.scratchLimit / (most * link.size))
    var start = 0
    while start < send.count {
      let length = min(piece, send.count - start)
      try shared.lead(index) {
        shared.send = shared.sent.reserve(length * most)
        shared.receive = shared.received.reserve(length * most * link.size)
        for thread in 0..<shared.group.size {
          guard let from = calls[thread].pointer else { continue }
          (shared.send + thread * length).copyMemory(from: from + start, byteCount: length)
        }
        try link.allgather(
          UnsafeRawBufferPointer(start: shared.send, count: length * most),
          into: UnsafeMutableRawBufferPointer(
            start: shared.receive, count: length * most * link.size))
      }
      for process in 0..<link.size {
        for (thread, rank) in placement.ranks[process].enumerated() {
          (base + rank * send.count + start).copyMemory(
            from: shared.receive + (process * most + thread) * length, byteCount: length)
        }
      }
      start += length
      shared.group.synchronize()
    }
  }

  /// Copies the root's bytes to every rank.
  ///
  /// - Throws: `ClusterError` where there is no such root, a thread of the process has failed or
  ///   makes another call, or MPI fails.
  package func broadcast(_ buffer: UnsafeMutableRawBufferPointer, root: Int) throws {
    try checkRoot(root)
    let calls = try enter(
      ThreadCall(op: .broadcast, size: buffer.count, detail: root, pointer: buffer.baseAddress))
    let (link, placement) = (shared.link, shared.placement)
    let process = placement.process[root]
    let source =
      process == link.rank ? placement.ranks[process].firstIndex(of: root) ?? 0 : 0
    let bytes = UnsafeMutableRawBufferPointer(start: calls[source].pointer, count: buffer.count)
    try shared.lead(index) { try link.broadcast(bytes, root: process) }
    if index != source, let base = buffer.baseAddress, let from = bytes.baseAddress {
      base.copyMemory(from: from, byteCount: buffer.count)
    }
    shared.group.synchronize()
  }

  /// Returns when every rank has arrived.
  ///
  /// - Throws: `ClusterError` where a thread of the process has failed or makes another call, or
  ///   MPI fails.
  package func barrier() throws {
    _ = try enter(ThreadCall(op: .barrier))
    try shared.lead(index) { try shared.link.barrier() }
  }

  /// Makes a communicator of the ranks that pass the same color, ordered by key, then rank.
  ///
  /// A group within one process is a ``ThreadCommunicator``. Groups over several processes need
  /// MPI_THREAD_MULTIPLE where a process hosts more than one, as their leaders call MPI at once.
  ///
  /// - Throws: `ClusterError` where MPI lacks that level, or fails, where a thread of the process
  ///   has failed or makes another call, or without memory for a group's barrier.
  package func split(color: Int, key: Int) throws -> any Communicator {
    let groups = try allgather([Int64(color), Int64(key)]).groupsByColor()
    _ = try enter(ThreadCall(op: .split))
    try shared.lead(index) { shared.group.published = try groups.map(makeGroup) }
    let position = groups.firstIndex { $0.contains(rank) }!
    let subset = groups[position]
    let published = shared.group.published[position] as? Part
    let mine = subset.filter { shared.placement.process[$0] == shared.link.rank }
    // After the look at what was published: the leader may publish again once all are past.
    shared.group.synchronize()
    switch published {
    case .threads(let group):
      return ThreadCommunicator(rank: subset.firstIndex(of: rank)!, group: group)
    case .processes(let group):
      return ProductCommunicator(shared: group, index: mine.firstIndex(of: rank)!)
    case .elsewhere, nil: preconditionFailure("every rank is in the group of its color")
    }
  }

  private enum Part: Sendable {
    case elsewhere
    case threads(ThreadGroupState)
    case processes(ProcessGroup)
  }

  /// Called by all leaders for every group in the same order, as MPI's split is collective.
  private func makeGroup(_ subset: [Int]) throws -> Part {
    let (link, placement) = (shared.link, shared.placement)
    func isWithinOne(_ subset: [Int]) -> Bool {
      Set(subset.map { placement.process[$0] }).count == 1
    }
    let local = subset.filter { placement.process[$0] == link.rank }
    let threads = local.map { rank in
      shared.group.members[placement.ranks[link.rank].firstIndex(of: rank)!]
    }
    if isWithinOne(subset) {
      if local.isEmpty { return .elsewhere }
      return .threads(
        try ThreadGroupState(
          members: threads, spins: shared.group.spins, failureFlag: shared.group.failureFlag))
    }
    guard subset.count == size || link.threadLevel == .multiple else {
      throw ClusterError.threadLevel(op: "split", provided: "\(link.threadLevel)")
    }
    let part = try link.part(local.isEmpty ? -1 : 0, link.rank)
    guard let part else { return .elsewhere }
    let processes = Set(subset.map { placement.process[$0] }).sorted()
    let group = try ThreadGroupState(
      members: threads, spins: shared.group.spins, failureFlag: shared.group.failureFlag)
    return .processes(
      ProcessGroup(
        group: group, link: part,
        placement: Placement(
          process: subset.map { processes.firstIndex(of: placement.process[$0])! },
          processes: processes.count)))
  }
}
