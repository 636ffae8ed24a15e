import DLCluster

/// The parts of an optimizer step's time, on rank 0; they add up to the whole.
package struct StepTimes: Sendable {
  /// Seconds waiting for the step's rows.
  package var dataWait = 0.0
  /// Seconds in forward and backward passes, and in whatever is not named here.
  package var compute = 0.0
  /// Seconds in layers' collectives: the statistics of synchronized batch normalizations.
  package var syncBatchNorm = 0.0
  /// Seconds agreeing with other ranks: waiting for the slowest.
  package var agreement = 0.0
  /// Seconds summing the gradients over the ranks.
  package var reduction = 0.0
  /// Seconds checking the gradient and updating the parameters.
  package var optimizer = 0.0
  /// The rank that took longest to load and compute, up to the step's last agreement before an
  /// update.
  package var slowestRank = 0
  /// Seconds that this took it.
  package var slowest = 0.0

  /// One of the parts that add up to the whole.
  package struct Part: Sendable {
    /// The name in metrics.jsonl (`data_s`) and in what `dltrain bench step` prints (`data_ms`).
    package let name: String
    /// The name for people.
    package let title: String
    /// The property that counts it.
    package let seconds: WritableKeyPath<StepTimes, Double> & Sendable
    /// The title of its column beside the losses; empty for none.
    var column = ""
    /// The meaning of the column's title.
    var meaning = ""
    /// Columns of lower rank go first where a terminal is narrow.
    var rank = 0
  }

  /// All parts.
  package static let parts = [
    Part(
      name: "data", title: "data", seconds: \.dataWait, column: "data",
      meaning: "waiting for rows", rank: 3),
    Part(name: "compute", title: "compute", seconds: \.compute),
    Part(
      name: "sync_bn", title: "SyncBN", seconds: \.syncBatchNorm, column: "bn",
      meaning: "statistics of batch norm", rank: 1),
    Part(
      name: "agree", title: "waiting", seconds: \.agreement, column: "wait",
      meaning: "for the slowest rank", rank: 3),
    Part(
      name: "reduce", title: "gradient sum", seconds: \.reduction, column: "sum",
      meaning: "of gradients", rank: 2),
    Part(
      name: "optimizer", title: "optimizer", seconds: \.optimizer, column: "opt",
      meaning: "updating", rank: 0),
  ]

  /// Seconds in communication of any kind.
  package var communication: Double { syncBatchNorm + agreement + reduction }
  /// Seconds of the step.
  package var total: Double { dataWait + compute + communication + optimizer }

  package init() {}

  /// Makes the times from what the clock has counted since its restart.
  init(_ clock: ActivityClock, slowest: (rank: Int, seconds: Double)) {
    dataWait = clock.seconds(.dataWait)
    syncBatchNorm = clock.seconds(.syncBatchNorm)
    agreement = clock.seconds(.agreement)
    reduction = clock.seconds(.reduction)
    optimizer = clock.seconds(.optimizer)
    // The parts are rounded: nothing left may come out as a little less than that.
    compute = max(
      clock.elapsed - dataWait - syncBatchNorm - agreement - reduction - optimizer, 0)
    (slowestRank, self.slowest) = slowest
  }

  /// Adds another step's seconds.
  package mutating func add(_ other: StepTimes) {
    for part in StepTimes.parts { self[keyPath: part.seconds] += other[keyPath: part.seconds] }
  }

  /// The median of each part over several steps; 0 without any.
  package static func medians(_ steps: [StepTimes]) -> StepTimes {
    var result = StepTimes()
    for part in parts {
      result[keyPath: part.seconds] = median(steps.map { $0[keyPath: part.seconds] })
    }
    return result
  }

  /// The median; 0 without any value.
  package static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard let middle = sorted.isEmpty ? nil : sorted.count / 2 else { return 0 }
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

extension ActivityClock {
  /// Seconds since the restart that other ranks may have waited for: all but communication.
  var busySeconds: Double {
    elapsed - seconds(.syncBatchNorm) - seconds(.agreement) - seconds(.reduction)
  }
}
