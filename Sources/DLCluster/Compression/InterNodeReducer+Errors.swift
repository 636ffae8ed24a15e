/// The errors that senders keep, as a checkpoint holds them.
///
/// Every domain but the owner's has a record of each block. Numbered from the owner's domain on, the
/// records of all blocks make one array for each of the other domains.
extension InterNodeReducer {
  /// The arrays of records; 0 without compression.
  var recordArrays: Int { area.blocks == nil ? 0 : domainProcesses.count - 1 }

  /// The process that has a block's record of an array; nil for a block that nobody owns.
  private func holder(_ block: Int, array: Int, _ blocks: CompressedBlocks) -> Int? {
    let owner = blocks.owners[block]
    guard owner >= 0 else { return nil }
    let domain = (processDomain[owner] + 1 + array) % domainProcesses.count
    return partner(of: owner, in: domain)
  }

  /// Brings an array together on process 0, some blocks at a time; collective over all ranks.
  ///
  /// - Parameter take: takes numbers from a place of the array on, on the leader of process 0.
  func gather(array: Int, take: (UnsafeBufferPointer<Float>, Int) -> Void) throws {
    guard let blocks = area.blocks else { return }
    var first = 0
    while first < blocks.blocks.count {
      var end = first + 1
      while end < blocks.blocks.count, blocks.places[end] - blocks.places[first] < 1 << 20 {
        end += 1
      }
      let run = first..<end
      try link.lead { try gather(run, array, blocks, take) }
      first = end
    }
  }

  private func gather(
    _ run: Range<Int>, _ array: Int, _ blocks: CompressedBlocks,
    _ take: (UnsafeBufferPointer<Float>, Int) -> Void
  ) throws {
    for process in 0..<link.processes.size {
      (table.sendCounts[process], table.sendOffsets[process]) = (0, 0)
      (table.receiveCounts[process], table.receiveOffsets[process]) = (0, 0)
    }
    var size = 0
    for block in run {
      guard let holder = holder(block, array: array, blocks) else { continue }
      let bytes = 4 * blocks.recordCount(block)
      size += bytes
      if holder == me { table.sendCounts[0] += bytes }
      if me == 0 { table.receiveCounts[holder] += bytes }
    }
    for process in 1..<max(link.processes.size, 1) {
      table.receiveOffsets[process] =
        table.receiveOffsets[process - 1] + table.receiveCounts[process - 1]
    }
    area.send = area.sent.reserve(table.sendCounts[0])
    area.receive = area.received.reserve(size)
    var place = area.send
    for block in run where holder(block, array: array, blocks) == me {
      let bytes = 4 * blocks.recordCount(block)
      place.copyMemory(from: blocks.record(block), byteCount: bytes)
      place += bytes
    }
    try link.processes.alltoallv("gather", send: area.send, receive: area.receive, table)
    guard me == 0 else { return }
    for block in run {
      guard let holder = holder(block, array: array, blocks) else { continue }
      let from = area.receive + table.receiveOffsets[holder]
      let count = blocks.recordCount(block)
      take(
        UnsafeBufferPointer(start: from.assumingMemoryBound(to: Float.self), count: count),
        blocks.places[block])
      table.receiveOffsets[holder] += 4 * count
    }
  }

  /// The numbers of an array.
  var recordCount: Int { area.blocks?.places.last ?? 0 }

  /// Takes this process's records; the leader alone does so.
  ///
  /// - Parameter read: fills numbers from a place of an array.
  func restore(_ read: (Int, Int, UnsafeMutableBufferPointer<Float>) throws -> Void) throws {
    guard let blocks = area.blocks, link.index == 0 else { return }
    for array in 0..<recordArrays {
      for block in blocks.blocks.indices where holder(block, array: array, blocks) == me {
        try read(
          array, blocks.places[block],
          UnsafeMutableBufferPointer(
            start: blocks.record(block), count: blocks.recordCount(block)))
      }
    }
  }
}
