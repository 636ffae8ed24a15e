import CMPI
import DLCore

/// Ranks that are processes of an MPI job.
///
/// MPI moves bytes; sums are made here, in tree order.
///
/// ``close()`` frees the communicator; without it the handle lives until MPI is finalized.
package final class MPICommunicator: Communicator {
  /// This process's index.
  package let rank: Int
  /// The number of processes.
  package let size: Int

  /// The bytes of a buffer that one exchange covers; larger buffers go in pieces.
  ///
  /// The same on all ranks.
  package var scratchLimit = 16 << 20
  /// Gathered bytes up to which a reduction gathers whole buffers instead of exchanging slices.
  package var gatherLimit = 64 << 10

  /// The level of thread support that MPI provides.
  package let threadLevel: MPIThreadLevel

  private var handle: OpaquePointer?
  private let plan: ReductionPlan
  private let scratch = Scratch()
  private let sources: Table<UnsafeRawPointer?>
  private let destination = Table<UnsafeMutableRawPointer?>(1, nil)
  private let bytes: ExchangeTable

  init(handle: OpaquePointer, threadLevel: MPIThreadLevel) {
    self.handle = handle
    self.threadLevel = threadLevel
    rank = Int(cmpi_rank(handle))
    size = Int(cmpi_size(handle))
    plan = ReductionTree(leaves: size).plan()
    sources = Table(size, nil)
    bytes = ExchangeTable(size)
  }

  /// Makes another communicator of the same processes, whose calls do not meet those of this one;
  /// collective.
  func duplicate() throws -> MPICommunicator {
    var made: OpaquePointer?
    try call("duplicate") { cmpi_dup($0, &made) }
    guard let made else { preconditionFailure("MPI_Comm_dup gave no communicator") }
    return MPICommunicator(handle: made, threadLevel: threadLevel)
  }

  /// Frees the communicator; collective, and the last call on it.
  ///
  /// - Throws: `ClusterError` where MPI cannot free it.
  package func close() throws {
    guard let handle else { return }
    self.handle = nil
    try check(cmpi_free(handle), "free")
  }

  /// Sums `count` elements over all ranks: slices go to their owners, are summed in tree order and
  /// gathered.
  ///
  /// Works in pieces within kept scratch memory, so a repeated call allocates nothing.
  ///
  /// - Throws: `ClusterError` for a negative count, where MPI fails, or after ``close()``.
  package func allreduceSum(
    _ buffer: UnsafeMutableRawPointer, count: Int, type: ElementType
  ) throws {
    try checkCount(count, "allreduce")
    if size == 1 || count == 0 { return }
    let width = type.byteCount
    if count * width * size <= gatherLimit {
      let all = scratch.reserve(count * width * size)
      try call("allreduce") { cmpi_allgather($0, buffer, count * width, all) }
      for peer in 0..<size { sources[peer] = UnsafeRawPointer(all + peer * count * width) }
      sum(type, into: buffer, count)
      return
    }
    let piece = max(scratchLimit / width, 16 * size)
    var start = 0
    while start < count {
      let length = min(piece, count - start)
      try exchange(buffer + start * width, length, type)
      start += length
    }
  }

  private func exchange(
    _ buffer: UnsafeMutableRawPointer, _ count: Int, _ type: ElementType
  ) throws {
    let width = type.byteCount
    let own = slice(of: 0..<count, parts: size, index: rank)
    let received = scratch.reserve(own.count * width * size)
    for peer in 0..<size {
      let part = slice(of: 0..<count, parts: size, index: peer)
      let isSelf = peer == rank
      bytes.sendCounts[peer] = isSelf ? 0 : part.count * width
      bytes.sendOffsets[peer] = part.lowerBound * width
      bytes.receiveCounts[peer] = isSelf ? 0 : own.count * width
      bytes.receiveOffsets[peer] = peer * own.count * width
      sources[peer] =
        isSelf
        ? UnsafeRawPointer(buffer + own.lowerBound * width)
        : UnsafeRawPointer(received + peer * own.count * width)
    }
    try alltoallv("allreduce", send: buffer, receive: received, bytes)
    sum(type, into: buffer + own.lowerBound * width, own.count)
    for peer in 0..<size {
      let part = slice(of: 0..<count, parts: size, index: peer)
      bytes.receiveCounts[peer] = part.count * width
      bytes.receiveOffsets[peer] = part.lowerBound * width
    }
    try allgatherv(
      "allreduce", send: buffer + own.lowerBound * width, count: own.count * width,
      receive: buffer, bytes)
  }

  private func sum(_ type: ElementType, into result: UnsafeMutableRawPointer, _ count: Int) {
    destination[0] = result
    plan.run(
      type, sources: sources.base, destinations: UnsafeBufferPointer(destination.values),
      range: 0..<count)
  }

  /// MPI_Allreduce in place, to measure against; the order of its additions is the library's, so
  /// that training never uses it.
  ///
  /// - Throws: `ClusterError` for a negative count, where MPI fails, or after ``close()``.
  package func referenceAllreduceSum(
    _ buffer: UnsafeMutableRawPointer, count: Int, type: ElementType
  ) throws {
    try checkCount(count, "allreduce")
    try call("MPI_Allreduce") {
      cmpi_allreduce_reference($0, buffer, count, type == .float64 ? 1 : 0)
    }
  }

  /// Gathers equal contributions in rank order.
  ///
  /// - Throws: `ClusterError` where `receive` has another length, MPI fails, or after ``close()``.
  package func allgather(
    _ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer
  ) throws {
    try checkGather(send, receive)
    if send.isEmpty { return }
    try call("allgather") {
      cmpi_allgather($0, send.baseAddress, send.count, receive.baseAddress)
    }
  }

  /// Copies the root's bytes to every rank.
  ///
  /// - Throws: `ClusterError` where there is no such root, MPI fails, or after ``close()``.
  package func broadcast(_ buffer: UnsafeMutableRawBufferPointer, root: Int) throws {
    try checkRoot(root)
    try call("broadcast") { cmpi_bcast($0, buffer.baseAddress, buffer.count, Int32(root)) }
  }

  /// Returns when every rank has arrived.
  ///
  /// - Throws: `ClusterError` where MPI fails, or after ``close()``.
  package func barrier() throws { try call("barrier") { cmpi_barrier($0) } }

  /// Makes a communicator of the ranks that pass the same color, ordered by key, then rank.
  ///
  /// - Throws: `ClusterError` where MPI fails, or after ``close()``.
  package func split(color: Int, key: Int) throws -> any Communicator {
    let pairs = try allgather([Int64(color), Int64(key)])
    for (index, group) in pairs.groupsByColor().enumerated() {
      guard let place = group.firstIndex(of: rank) else { continue }
      if let part = try part(index, place) { return part }
    }
    preconditionFailure("every rank is in the group of its color")
  }

  /// MPI_Comm_split with small numbers; nil for a negative color.
  func part(_ color: Int, _ key: Int) throws -> MPICommunicator? {
    var made: OpaquePointer?
    try call("split") { cmpi_split($0, Int32(color), Int32(key), &made) }
    guard let made else { return nil }
    let part = MPICommunicator(handle: made, threadLevel: threadLevel)
    part.scratchLimit = scratchLimit
    part.gatherLimit = gatherLimit
    return part
  }

  /// Rank and size among the processes of this host; collective.
  ///
  /// - Throws: `ClusterError` where MPI fails, or after ``close()``.
  package func nodeLocal() throws -> (rank: Int, size: Int) {
    var (place, count): (Int32, Int32) = (0, 0)
    try call("node-local split") { cmpi_node_local($0, &place, &count) }
    return (Int(place), Int(count))
  }

  /// The processes that share this one's memory, in the order of their ranks, or those of a part of
  /// `size`; collective.
  func host(size: Int?) throws -> MPICommunicator? {
    if let size { return try part(rank / max(size, 1), rank) }
    var made: OpaquePointer?
    try call("host split") { cmpi_split_host($0, &made) }
    return made.map { MPICommunicator(handle: $0, threadLevel: threadLevel) }
  }

  /// Every pair of processes exchanges bytes as the table says.
  func alltoallv(
    _ op: String, send: UnsafeRawPointer, receive: UnsafeMutableRawPointer, _ table: ExchangeTable
  ) throws {
    try call(op) {
      cmpi_alltoallv(
        $0, send, table.sendCounts.base, table.sendOffsets.base, receive,
        table.receiveCounts.base, table.receiveOffsets.base)
    }
  }

  /// Gathers unequal contributions as the receiving half of the table says.
  func allgatherv(
    _ op: String, send: UnsafeRawPointer, count: Int, receive: UnsafeMutableRawPointer,
    _ table: ExchangeTable
  ) throws {
    try call(op) {
      cmpi_allgatherv(
        $0, send, count, receive, table.receiveCounts.base, table.receiveOffsets.base)
    }
  }

  /// Starts to receive a peer's next message; see ``isReceived(from:)``.
  func postReceive(from peer: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
    try call("receive") {
      cmpi_post_receive($0, Int32(peer), buffer.baseAddress, buffer.count)
    }
  }

  /// Starts to send a message; see ``isSent(to:)``.
  func postSend(to peer: Int, _ bytes: UnsafeRawBufferPointer) throws {
    try call("send") { cmpi_post_send($0, Int32(peer), bytes.baseAddress, bytes.count) }
  }

  /// Returns whether the message that is awaited from a peer has come.
  func isReceived(from peer: Int) throws -> Bool {
    var done: Int32 = 0
    try call("receive") { cmpi_is_received($0, Int32(peer), &done) }
    return done != 0
  }

  /// Returns whether the last message to a peer has left its buffer.
  func isSent(to peer: Int) throws -> Bool {
    var done: Int32 = 0
    try call("send") { cmpi_is_sent($0, Int32(peer), &done) }
    return done != 0
  }

  private func call(_ op: String, _ body: (OpaquePointer) -> Int32) throws {
    guard let handle else {
      throw ClusterError.invalidArgument(
        op: op, rank: rank, size: size, detail: "the communicator is closed")
    }
    try check(body(handle), op)
  }

  private func check(_ code: Int32, _ op: String) throws {
    if code != 0 {
      throw ClusterError.mpi(
        op: op, rank: rank, size: size, code: Int(code), text: mpiErrorText(code))
    }
  }
}

/// Byte counts and displacements of an exchange, one entry per process.
final class ExchangeTable {
  let sendCounts, sendOffsets, receiveCounts, receiveOffsets: Table<Int>

  init(_ size: Int) {
    sendCounts = Table(size, 0)
    sendOffsets = Table(size, 0)
    receiveCounts = Table(size, 0)
    receiveOffsets = Table(size, 0)
  }
}

func mpiErrorText(_ code: Int32) -> String {
  text { cmpi_error_string(code, $0, $1) }
}

/// The text that a C function writes into a buffer.
func text(_ fill: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
    buffer.initialize(repeating: 0)
    fill(buffer.baseAddress!, buffer.count)
    return String(cString: buffer.baseAddress!)
  }
}
