extension Communicator {
  /// Sums equally long arrays over all ranks, in place.
  ///
  /// - Throws: ``ClusterError`` where a rank has failed or is lost.
  public func allreduceSum(_ values: inout [Float]) throws {
    let count = values.count
    try values.withUnsafeMutableBytes {
      try allreduceSum(address($0), count: count, type: .float32)
    }
  }

  /// Sums equally long arrays over all ranks, in place.
  ///
  /// - Throws: ``ClusterError`` where a rank has failed or is lost.
  public func allreduceSum(_ values: inout [Double]) throws {
    let count = values.count
    try values.withUnsafeMutableBytes {
      try allreduceSum(address($0), count: count, type: .float64)
    }
  }

  /// Gathers equally long arrays of plain values, in rank order.
  ///
  /// - Throws: ``ClusterError`` where a rank has failed or is lost.
  public func allgather<T: BitwiseCopyable>(_ values: [T]) throws -> [T] {
    let stride = MemoryLayout<T>.stride
    if values.isEmpty {
      // An array of no capacity is one object for all threads, and initializing it writes to it.
      try allgather(
        UnsafeRawBufferPointer(start: nil, count: 0),
        into: UnsafeMutableRawBufferPointer(start: nil, count: 0))
      return []
    }
    return try Array(unsafeUninitializedCapacity: values.count * size) { buffer, count in
      try values.withUnsafeBytes { send in
        let receive = UnsafeMutableRawBufferPointer(
          start: UnsafeMutableRawPointer(buffer.baseAddress), count: values.count * size * stride)
        try allgather(
          UnsafeRawBufferPointer(start: send.baseAddress, count: values.count * stride),
          into: receive)
      }
      count = values.count * size
    }
  }

  /// The root's bytes, of any length; other ranks' arguments are ignored.
  ///
  /// - Throws: ``ClusterError`` where a rank has failed or is lost.
  public func broadcast(_ bytes: [UInt8], root: Int) throws -> [UInt8] {
    var length = Int64(bytes.count)
    try withUnsafeMutableBytes(of: &length) { try broadcast($0, root: root) }
    var result = rank == root ? bytes : Array(repeating: 0, count: Int(length))
    try result.withUnsafeMutableBytes { try broadcast($0, root: root) }
    return result
  }

  /// The root's text; other ranks' arguments are ignored.
  ///
  /// - Throws: ``ClusterError`` where a rank has failed or is lost.
  public func broadcast(_ text: String, root: Int) throws -> String {
    String(decoding: try broadcast(Array(text.utf8), root: root), as: UTF8.self)
  }

  /// Brings a vector of which each rank has a part together on rank 0, in small pieces.
  ///
  /// - Parameters:
  ///   - part: this rank's bytes, those at `cuts[rank]..<cuts[rank + 1]` of the whole.
  ///   - whole: where rank 0 takes them; ignored on others.
  ///   - cuts: the bounds of the ranks' parts, in bytes.
  /// - Throws: `ClusterError` where a rank has failed or is lost.
  package func assemble(
    _ part: UnsafeRawPointer, into whole: UnsafeMutableRawPointer?, cuts: [Int]
  ) throws {
    let longest = zip(cuts.dropFirst(), cuts).map { $0 - $1 }.max() ?? 0
    let piece = 64 << 10
    let send = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 64)
    let receive = UnsafeMutableRawBufferPointer.allocate(byteCount: piece * size, alignment: 64)
    defer {
      send.deallocate()
      receive.deallocate()
    }
    send.initializeMemory(as: UInt8.self, repeating: 0)
    for start in stride(from: 0, to: longest, by: piece) {
      func length(_ rank: Int) -> Int { min(max(cuts[rank + 1] - cuts[rank] - start, 0), piece) }
      send.copyMemory(from: UnsafeRawBufferPointer(start: part + start, count: length(rank)))
      try allgather(UnsafeRawBufferPointer(send), into: receive)
      guard rank == 0, let whole else { continue }
      for peer in 0..<size {
        let from = UnsafeRawBufferPointer(
          rebasing: receive[peer * piece..<peer * piece + length(peer)])
        UnsafeMutableRawBufferPointer(start: whole + cuts[peer] + start, count: from.count)
          .copyMemory(from: from)
      }
    }
  }

  /// The sum over all ranks, along `ReductionTree`.
  ///
  /// - Throws: ``ClusterError`` where a rank has failed or is lost.
  public func sum(_ value: Double) throws -> Double {
    ReductionTree(leaves: size).reduce(try allgather([value]), +)
  }

  /// The exact sum over all ranks.
  ///
  /// - Throws: ``ClusterError``, also where the sum exceeds 64 bits.
  public func sum(_ value: Int) throws -> Int {
    var total = 0
    for part in try allgather([Int64(value)]) {
      let (next, overflow) = total.addingReportingOverflow(Int(part))
      if overflow {
        throw ClusterError.invalidArgument(
          op: "sum", rank: rank, size: size, detail: "the sum exceeds 64 bits")
      }
      total = next
    }
    return total
  }

  private func address(_ buffer: UnsafeMutableRawBufferPointer) -> UnsafeMutableRawPointer {
    buffer.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 64)!
  }
}

extension [Int64] {
  /// Groups ranks by color, each group ordered by key, then rank; `self` holds color and key by
  /// rank.
  ///
  /// Groups are ordered by their lowest rank in the parent.
  func groupsByColor() -> [[Int]] {
    var groups: [[Int]] = []
    var index: [Int64: Int] = [:]
    for rank in 0..<count / 2 {
      if let group = index[self[2 * rank]] {
        groups[group].append(rank)
      } else {
        index[self[2 * rank]] = groups.count
        groups.append([rank])
      }
    }
    return groups.map { $0.sorted { (self[2 * $0 + 1], $0) < (self[2 * $1 + 1], $1) } }
  }
}
