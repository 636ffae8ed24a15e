import DLLayers

/// The number of times that each class (row) was predicted as each (column); for one question of
/// yes or no, no and yes.
///
/// Counterpart: `sklearn.metrics.confusion_matrix`.
package struct ConfusionMatrix: MetricSpec {
  package static var word: String { "confusion_matrix" }
  /// The most classes: every line of metrics.jsonl holds the matrix.
  static let limit = 256

  package init() {}

  /// A count for each pair of classes.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    switch task.predictions {
    case .classes(let count) where count <= ConfusionMatrix.limit: MetricSums(counts: count * count)
    case .classes: throw MetricMisfit("needs \(ConfusionMatrix.limit) classes at most", task)
    case .labels(1): MetricSums(counts: 4)
    default: throw MetricMisfit("needs classes that exclude each other", task)
    }
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let decisions = try batch.scores.decisions
    let size = ConfusionMatrix.size(sums)
    for (truth, predicted) in zip(decisions.truth, decisions.predicted)
    where (0..<size).contains(truth) { sums.counts[truth * size + predicted] += 1 }
  }

  /// The matrix.
  package func result(_ sums: MetricSums) -> MetricResult {
    let size = ConfusionMatrix.size(sums)
    let rows = (0..<size).map { Array(sums.counts[$0 * size..<($0 + 1) * size]) }
    return MetricResult(name, .matrix(rows), higherIsBetter: true)
  }

  private static func size(_ sums: MetricSums) -> Int {
    Int(Double(sums.counts.count).squareRoot().rounded())
  }
}
