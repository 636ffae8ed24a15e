import DLLayers

/// The share of labels that are predicted: classes with the largest output at the label, or answers
/// of yes and no that are right.
///
/// Counterparts: `sklearn.metrics.accuracy_score`, `torchmetrics.Accuracy`.
package struct Accuracy: MetricSpec {
  package static var word: String { "accuracy" }

  package init() {}

  /// Right labels, and all.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    switch task.predictions {
    case .classes, .labels: MetricSums(counts: 2)
    default: throw MetricMisfit("needs classes", task)
    }
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let scores = try batch.scores
    if let loss = scores.loss as? any ClassLoss {
      let (correct, rows) = try loss.correctCount(scores.outputs, labels: scores.labels)
      sums.counts[0] += correct
      sums.counts[1] += rows
    } else {
      let decisions = try scores.decisions
      sums.counts[0] += decisions.right
      sums.counts[1] += decisions.truth.count
    }
  }

  /// The share of right labels.
  package func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, .share(sums.counts[0], of: sums.counts[1]), higherIsBetter: true)
  }
}
