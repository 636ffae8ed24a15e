import DLCluster
import DLCore
import DLTensor

/// A communicator that counts the time of its collectives, and records them where there is a
/// timeline.
final class TimedCommunicator: Communicator {
  /// The clock of this rank's activities.
  let clock: ActivityClock
  /// The place where this rank shows what it is at; nil where nobody watches.
  let progress: RankProgress?

  private let base: any Communicator
  private let track: Track?
  /// Takes the time of ops, of which that of collectives is no part.
  private let profile: OpProfile?

  init(
    _ base: any Communicator, timeline: Timeline? = nil, progress: RankProgress? = nil,
    profile: OpProfile? = nil
  ) {
    self.base = base
    self.profile = profile
    self.progress = progress
    clock = ActivityClock(track: timeline?.compute, progress: progress)
    track = timeline?.communication
  }

  /// The same ranks, whose calls no timeline records: for those who read it.
  var unrecorded: TimedCommunicator { TimedCommunicator(base, progress: progress) }

  var rank: Int { base.rank }
  var size: Int { base.size }

  func allreduceSum(_ buffer: UnsafeMutableRawPointer, count: Int, type: ElementType) throws {
    try timed(.allreduce, count * type.byteCount) {
      try base.allreduceSum(buffer, count: count, type: type)
    }
  }

  func allgather(_ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer) throws
  {
    try timed(.allgather, send.count) { try base.allgather(send, into: receive) }
  }

  func broadcast(_ buffer: UnsafeMutableRawBufferPointer, root: Int) throws {
    try timed(.broadcast, buffer.count) { try base.broadcast(buffer, root: root) }
  }

  func barrier() throws { try timed(.barrier, 0) { try base.barrier() } }

  func split(color: Int, key: Int) throws -> any Communicator {
    try timed(.split, 0) { try base.split(color: color, key: key) }
  }

  var topology: Topology? {
    guard let progress else { return base.topology }
    return base.topology?.watched(by: progress)
  }

  /// Within a forward or backward pass a collective is a layer's, else an agreement, unless it is
  /// part of what is measured already.
  private func timed<R>(_ call: Activity, _ bytes: Int, _ body: () throws -> R) rethrows -> R {
    let start = track == nil && profile == nil ? 0 : monotonicNanoseconds()
    progress?.enter(call)
    defer {
      progress?.leave()
      track?.record(TimeSpan(call, from: start, to: monotonicNanoseconds(), detail: bytes))
      profile?.leaveOut(nanoseconds: monotonicNanoseconds() - start)
    }
    switch clock.current {
    case .forward, .backward: return try clock.measure(.syncBatchNorm, body)
    case .syncBatchNorm, .reduction, .agreement: return try body()
    default: return try clock.measure(.agreement, body)
    }
  }
}
