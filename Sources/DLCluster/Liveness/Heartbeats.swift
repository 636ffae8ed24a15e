import DLCore
import Glibc

/// Messages by which hosts show each other that they are there, and what their ranks are at.
///
/// The first process of each host sends one every second to that of the first host, which sends one
/// to each. They have a communicator of their own, and nothing waits for them. Used by one thread
/// at a time.
package final class Heartbeats {
  private enum Kind: UInt64 {
    case alive = 1
    case leaving = 2
  }

  /// Another host, as this one hears of it.
  private struct Peer {
    let host: Int
    let sent: UnsafeMutableRawBufferPointer
    let received: UnsafeMutableRawBufferPointer
    /// Seconds since it was last heard of.
    var silence = 0.0
    var isAwaited = false
    var hasLeft = false
  }

  private let board: ProgressTable
  private let link: MPICommunicator
  private var peers: [Peer]
  private var sinceSent = 1.0

  private static let headerBytes = 64
  private static let intervalSeconds = 1.0

  /// Makes them; collective over all processes.
  ///
  /// - Returns: nil where this process is not the first of its host, or there is one host.
  /// - Throws: ``ClusterError/threadLevel(op:provided:)`` on all where MPI does not serve several
  ///   threads at once.
  package static func make(over processes: MPICommunicator, _ board: ProgressTable) throws
    -> Heartbeats?
  {
    guard board.hosts.count > 1 else { return nil }
    guard processes.threadLevel == .multiple else {
      throw ClusterError.threadLevel(op: "heartbeats", provided: "\(processes.threadLevel)")
    }
    let isLeader = board.leaders.contains(processes.rank)
    guard let link = try processes.part(isLeader ? 0 : -1, processes.rank) else { return nil }
    return Heartbeats(link, board)
  }

  private init(_ link: MPICommunicator, _ board: ProgressTable) {
    self.link = link
    self.board = board
    let bytes = Heartbeats.headerBytes + board.imageBytes
    peers = board.hosts.indices.filter { $0 != link.rank && (link.rank == 0 || $0 == 0) }.map {
      Peer(
        host: $0, sent: .allocate(byteCount: bytes, alignment: 64),
        received: .allocate(byteCount: bytes, alignment: 64))
    }
  }

  /// The bytes a second that this host sends and receives by them.
  package var bytesPerSecond: Int { peers.reduce(0) { $0 + $1.sent.count + $1.received.count } }

  /// Takes in what has come, and sends where it is time to.
  ///
  /// - Parameter seconds: the time since the last call.
  package func tick(_ seconds: Double) {
    sinceSent += seconds
    let sends = sinceSent >= Heartbeats.intervalSeconds
    if sends { sinceSent = 0 }
    for index in peers.indices {
      peers[index].silence += seconds
      // Where MPI fails, the other side stays silent.
      try? receive(index)
      if sends { _ = try? send(.alive, to: index) }
    }
  }

  /// The hosts that were not heard of for so long; none as long as they were heard of in turn.
  ///
  /// Where there is one, those that will be next are told too: they fell silent at the same time.
  package func silent(seconds: Double) -> [Int] {
    let silent = peers.filter {
      !$0.hasLeft && $0.silence >= seconds - Heartbeats.intervalSeconds
    }
    return silent.contains { $0.silence >= seconds } ? silent.map(\.host) : []
  }

  /// Says goodbye and waits for that of the others, so that no message is left under way.
  ///
  /// - Parameter limitSeconds: how long.
  /// - Returns: a host that did not answer; nil where all did.
  package func finish(limitSeconds: Double) -> Int? {
    var told = Set<Int>()
    let end = monotonicNanoseconds() + Int(limitSeconds * 1e9)
    while true {
      var late: Int?
      for index in peers.indices {
        try? receive(index)
        if !told.contains(index), (try? send(.leaving, to: index)) == true { told.insert(index) }
        let isSent = told.contains(index) && (try? link.isSent(to: peers[index].host)) == true
        if !isSent || !peers[index].hasLeft { late = peers[index].host }
      }
      if late == nil || monotonicNanoseconds() > end {
        if late == nil { release() }
        return late
      }
      usleep(1000)
    }
  }

  private func receive(_ index: Int) throws {
    while !peers[index].hasLeft {
      let (host, buffer) = (peers[index].host, peers[index].received)
      if peers[index].isAwaited {
        guard try link.isReceived(from: host), let base = buffer.baseAddress else { return }
        peers[index].silence = 0
        peers[index].isAwaited = false
        peers[index].hasLeft = base.load(as: UInt64.self) == Kind.leaving.rawValue
        board.read(from: base + Heartbeats.headerBytes)
      } else {
        try link.postReceive(from: host, into: buffer)
        peers[index].isAwaited = true
      }
    }
  }

  /// Sends a message; false where the one before it is still under way.
  private func send(_ kind: Kind, to index: Int) throws -> Bool {
    let peer = peers[index]
    guard try link.isSent(to: peer.host), let base = peer.sent.baseAddress else { return false }
    base.storeBytes(of: kind.rawValue, as: UInt64.self)
    board.write(to: base + Heartbeats.headerBytes)
    try link.postSend(to: peer.host, UnsafeRawBufferPointer(peer.sent))
    return true
  }

  /// Gives the buffers back, which are MPI's as long as messages are under way.
  private func release() {
    for peer in peers {
      peer.sent.deallocate()
      peer.received.deallocate()
    }
    peers = []
  }
}
