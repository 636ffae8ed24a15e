import DLTrain

/// A metric: the share of rows whose predicted class is at most one away from the label.
///
/// Its sums are integers, so they are the same whatever the number of ranks. In YAML: `within_one`.
struct WithinOne: MetricSpec {
  static var word: String { "within_one" }

  func sums(for task: MetricTask) throws -> MetricSums {
    guard case .classes = task.predictions else { throw MetricMisfit("needs classes", task) }
    return MetricSums(counts: 2)
  }

  func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let decisions = try batch.scores.decisions
    for (truth, predicted) in zip(decisions.truth, decisions.predicted) {
      sums.counts[0] += abs(truth - predicted) <= 1 ? 1 : 0
      sums.counts[1] += 1
    }
  }

  func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, Double(sums.counts[0]) / Double(sums.counts[1]), higherIsBetter: true)
  }
}
