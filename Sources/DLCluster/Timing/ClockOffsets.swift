import DLCore

/// The differences between the clocks of all ranks and rank 0's.
///
/// A gathering of clock readings bounds an offset from both sides: rank r has its result after rank
/// 0 has read its clock, and rank 0 after rank r has. The narrowest of several rounds counts, as in
/// Cristian's algorithm (1989). Ranks whose bounds allow that they share rank 0's clock are taken to
/// do so.
package struct ClockOffsets: Sendable {
  /// Nanoseconds that each rank's clock is ahead of rank 0's.
  package let nanoseconds: [Int]
  /// The largest error of each offset, in nanoseconds.
  package let uncertainties: [Int]
  /// When they were measured, on each rank's own clock.
  package let times: [Int]

  /// Measures the offsets; collective, every rank has the same result.
  ///
  /// - Parameters:
  ///   - rounds: gatherings; at least 1.
  ///   - clock: reads this rank's clock in nanoseconds.
  /// - Throws: `ClusterError` where a rank has failed or is lost.
  package init(
    _ communicator: any Communicator, rounds: Int = 16, clock: () -> Int = monotonicNanoseconds
  ) throws {
    let size = communicator.size
    var before: [[Int]] = []
    var after: [Int] = []
    try communicator.barrier()
    for _ in 0..<max(rounds, 1) {
      before.append(try communicator.allgather([clock()]))
      after.append(clock())
    }
    let ends = try communicator.allgather(after)
    func end(_ round: Int, _ rank: Int) -> Int { ends[rank * after.count + round] }
    var (offsets, errors) = (Array(repeating: 0, count: size), Array(repeating: 0, count: size))
    for rank in 1..<max(size, 1) {
      let lower = before.indices.map { before[$0][rank] - end($0, 0) }.max() ?? 0
      let upper = before.indices.map { end($0, rank) - before[$0][0] }.min() ?? 0
      offsets[rank] = lower <= 0 && upper >= 0 ? 0 : lower + (upper - lower) / 2
      errors[rank] = max(abs(offsets[rank] - lower), abs(upper - offsets[rank]))
    }
    nanoseconds = offsets
    uncertainties = errors
    times = before.last ?? []
  }

  /// A reading of a rank's clock as rank 0's would have shown it.
  ///
  /// The clocks of two hosts drift apart by some microseconds in a second: between two
  /// measurements, this one and a later one, the offset goes in a straight line.
  package func aligned(_ time: Int, rank: Int, until later: ClockOffsets) -> Int {
    let (first, last) = (nanoseconds[rank], later.nanoseconds[rank])
    let span = later.times[rank] - times[rank]
    guard first != last, span > 0 else { return time - first }
    let share = min(max(Double(time - times[rank]) / Double(span), 0), 1)
    return time - first - Int((Double(last - first) * share).rounded())
  }
}
