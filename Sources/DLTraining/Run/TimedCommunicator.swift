import DLCluster
import Glibc

/// A communicator that adds up the time spent in its collectives.
final class TimedCommunicator: Communicator {
  /// Seconds in collectives so far.
  private(set) var seconds = 0.0

  private let base: any Communicator

  init(_ base: any Communicator) { self.base = base }

  var rank: Int { base.rank }
  var size: Int { base.size }

  func allreduceSum(_ buffer: UnsafeMutableRawPointer, count: Int, type: ElementType) throws {
    try timed { try base.allreduceSum(buffer, count: count, type: type) }
  }

  func allgather(_ send: UnsafeRawBufferPointer, into receive: UnsafeMutableRawBufferPointer) throws
  {
    try timed { try base.allgather(send, into: receive) }
  }

  func broadcast(_ buffer: UnsafeMutableRawBufferPointer, root: Int) throws {
    try timed { try base.broadcast(buffer, root: root) }
  }

  func barrier() throws { try timed { try base.barrier() } }

  func split(color: Int, key: Int) throws -> any Communicator {
    try timed { try base.split(color: color, key: key) }
  }

  var neighbourhood: Neighbourhood? { base.neighbourhood }

  func timed<R>(_ body: () throws -> R) rethrows -> R {
    let start = monotonicSeconds()
    defer { seconds += monotonicSeconds() - start }
    return try body()
  }
}

/// Seconds on a clock that never goes back.
public func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
}
