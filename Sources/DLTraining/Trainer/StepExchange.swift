import DLCluster

/// The exchange of ranks in a step: failures, a wish to stop, sums of a few doubles, and how
/// long each of them has worked.
///
/// An error that one rank meets between collectives waits here until the next agreement tells all.
final class StepExchange {
  /// The error that this rank met since the last agreement.
  var failure: (any Error)?
  /// The rank that had worked longest in this step when they last agreed.
  private(set) var slowest = (rank: 0, seconds: 0.0)

  private let communicator: TimedCommunicator
  private let tree: ReductionTree
  private let mine: UnsafeMutablePointer<Double>
  private let all: UnsafeMutablePointer<Double>
  private static let width = 4

  init(_ communicator: TimedCommunicator) {
    self.communicator = communicator
    tree = ReductionTree(leaves: communicator.size)
    mine = .allocate(capacity: StepExchange.width)
    all = .allocate(capacity: StepExchange.width * communicator.size)
  }

  deinit {
    mine.deallocate()
    all.deallocate()
  }

  /// Sums `value` over the ranks along the fixed tree, and tells whether any rank passes `stop`.
  ///
  /// - Throws: `RankFailure` on every rank when one has a ``failure``.
  func agree(
    _ value: Double, stop: Bool, _ what: @autoclosure () -> String
  ) throws -> (sum: Double, stop: Bool) {
    let width = StepExchange.width
    mine[0] = value
    mine[1] = stop ? 1 : 0
    mine[2] = failure == nil ? 0 : 1
    mine[3] = communicator.clock.busySeconds
    let bytes = width * MemoryLayout<Double>.stride
    try communicator.allgather(
      UnsafeRawBufferPointer(start: mine, count: bytes),
      into: UnsafeMutableRawBufferPointer(start: all, count: bytes * communicator.size))
    slowest = (0, all[3])
    for rank in 1..<max(communicator.size, 1) where all[rank * width + 3] > slowest.seconds {
      slowest = (rank, all[rank * width + 3])
    }
    tree.merge { left, right in
      for index in 0..<width { all[left * width + index] += all[right * width + index] }
    }
    if all[2] > 0 {
      try communicator.agreed(what()) { if let failure { throw failure } }
    }
    return (all[0], all[1] > 0)
  }
}
