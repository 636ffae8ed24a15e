import CKernels

/// x += error; whether all is finite.
func addFinite(
  _ error: UnsafePointer<Float>, to x: UnsafeMutablePointer<Float>, _ count: Int
) -> Bool {
  dl_add_finite(x, error, count) != 0
}

/// A domain sends one message in place of its subtrees' sums: its whole sum with the error of the
/// step before, encoded block by block. The receiver adds the domains' sums, its own as it is, along
/// the tree over the domains.
extension InterNodeReducer {
  /// Compresses what goes between domains from now on; collective over all ranks.
  ///
  /// - Parameters:
  ///   - blocks: the arena's blocks, ascending; a share begins and ends where blocks do.
  ///   - cuts: the bounds of shares that ``reduce(_:peers:owners:type:)`` is to be called with.
  func compress(by codec: any GradientCodec, _ blocks: [GradientBlock], cuts: [[Int]]) throws {
    let ranks = link.ranks
    func owner(_ block: Range<Int>) -> Int {
      for cuts in cuts {
        guard let first = cuts.first, let last = cuts.last,
          (first..<last).contains(block.lowerBound)
        else { continue }
        let behind = cuts.firstIndex { $0 > block.lowerBound } ?? 0
        return (behind - 1) / ranks
      }
      return -1
    }
    try link.lead {
      area.blocks = try CompressedBlocks(codec, blocks, owner: owner)
    }
  }

  /// A note of what the state of the errors is a state of: the codec, and which ranks share memory.
  var compressionNote: String? {
    guard let blocks = area.blocks else { return nil }
    let domains = domainProcesses.map { $0.map(String.init).joined(separator: " ") }
    return "\(blocks.codec.name), processes of \(link.ranks) in domains "
      + domains.joined(separator: ", ")
  }

  /// ``reduce(_:peers:owners:type:)`` with compression.
  func reduce(
    _ cuts: [Int], peers: Table<UnsafeRawPointer?>, owners: [ShareOwner], blocks: CompressedBlocks
  ) throws {
    let sums = partial.reserve(4 * blocks.longest * domainProcesses.count)
    let mine = try indices(share(of: me, cuts), blocks)
    var (end, received) = (0, 0)
    for process in 0..<link.processes.size {
      let isTarget = processDomain[process] != home && partner(of: process, in: home) == me
      table.sendOffsets[process] = end
      table.sendCounts[process] =
        isTarget ? blocks.byteCount(try indices(share(of: process, cuts), blocks)) : 0
      end += table.sendCounts[process]
      let isSource =
        processDomain[process] != home
        && partner(of: me, in: processDomain[process]) == process
      table.receiveOffsets[process] = received
      table.receiveCounts[process] = isSource ? blocks.byteCount(mine) : 0
      received += table.receiveCounts[process]
    }
    try link.lead {
      area.send = area.sent.reserve(end)
      area.receive = area.received.reserve(received)
    }
    for process in 0..<link.processes.size where table.sendCounts[process] > 0 {
      let share = try indices(share(of: process, cuts), blocks)
      for block in share where block % link.workers == link.index {
        let range = blocks.blocks[block].range
        result[0] = sums - 4 * range.lowerBound
        domainPlan.run(
          .float32, sources: peers.base, destinations: UnsafeBufferPointer(result.values),
          range: range)
        blocks.encode(
          block, sums.assumingMemoryBound(to: Float.self),
          into: area.send + table.sendOffsets[process]
            + blocks.byteCount(share.lowerBound..<block))
      }
    }
    try link.lead {
      try link.processes.alltoallv("reduce", send: area.send, receive: area.receive, table)
    }
    for owner in owners {
      for block in try indices(cuts[owner.rank]..<cuts[owner.rank + 1], blocks) {
        decode(
          block, blocks, after: blocks.byteCount(mine.lowerBound..<block), sums, peers,
          into: owner.gradients)
      }
    }
    link.synchronize()
  }

  /// Sums a block of this rank's share over the domains.
  private func decode(
    _ block: Int, _ blocks: CompressedBlocks, after offset: Int, _ sums: UnsafeMutableRawPointer,
    _ peers: Table<UnsafeRawPointer?>, into gradients: UnsafeMutableRawPointer
  ) {
    let range = blocks.blocks[block].range
    result[0] = gradients
    domainPlan.run(
      .float32, sources: peers.base, destinations: UnsafeBufferPointer(result.values),
      range: range)
    for domain in domainProcesses.indices {
      if domain == home {
        domainSums[domain] = UnsafeRawPointer(gradients)
        continue
      }
      let values = sums + 4 * blocks.longest * domain
      blocks.codec.decode(
        area.receive + table.receiveOffsets[partner(of: me, in: domain)] + offset,
        blocks.blocks[block], into: values.assumingMemoryBound(to: Float.self))
      domainSums[domain] = UnsafeRawPointer(values - 4 * range.lowerBound)
    }
    acrossDomains.run(
      .float32, sources: UnsafePointer(domainSums.base),
      destinations: UnsafeBufferPointer(result.values), range: range)
  }

  func indices(_ share: Range<Int>, _ blocks: CompressedBlocks) throws -> Range<Int> {
    guard let found = blocks.indices(of: share) else {
      throw ClusterError.invalidArgument(
        op: "reduce", rank: me, size: link.processes.size,
        detail: "the share \(share) does not begin and end where blocks do")
    }
    return found
  }

  /// Counts what one call of ``reduce(_:peers:owners:type:)`` sends, over all processes.
  func countGradients(_ cuts: [Int], width: Int) throws {
    for process in 0..<link.processes.size {
      let share = share(of: process, cuts)
      let others = domainProcesses.count - 1
      let subtrees = nodes.count - held[processDomain[process]].count
      traffic.sum.plainGradients += subtrees * share.count * width
      if let blocks = area.blocks, width == 4 {
        traffic.sum.gradients += others * blocks.byteCount(try indices(share, blocks))
      } else {
        traffic.sum.gradients += subtrees * share.count * width
      }
    }
  }
}
