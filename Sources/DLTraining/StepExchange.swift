import DLCluster

/// The small agreements of a step: who failed, who wants to stop, and sums of a few doubles.
///
/// An error that one rank meets between collectives waits here until the next agreement tells all.
final class StepExchange {
  /// What this rank met since the last agreement.
  var failure: (any Error)?

  private let communicator: any Communicator
  private let tree: ReductionTree
  private let mine: UnsafeMutablePointer<Double>
  private let all: UnsafeMutablePointer<Double>
  private static let width = 3

  init(_ communicator: any Communicator) {
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
  func agree(_ value: Double, stop: Bool, _ what: String) throws -> (sum: Double, stop: Bool) {
    let width = StepExchange.width
    mine[0] = value
    mine[1] = stop ? 1 : 0
    mine[2] = failure == nil ? 0 : 1
    let bytes = width * MemoryLayout<Double>.stride
    try communicator.allgather(
      UnsafeRawBufferPointer(start: mine, count: bytes),
      into: UnsafeMutableRawBufferPointer(start: all, count: bytes * communicator.size))
    tree.merge { left, right in
      for index in 0..<width { all[left * width + index] += all[right * width + index] }
    }
    if all[2] > 0 {
      try communicator.agreed(what) { if let failure { throw failure } }
    }
    return (all[0], all[1] > 0)
  }
}
