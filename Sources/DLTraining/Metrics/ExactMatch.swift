import DLLayers

/// The share of rows of which every label is predicted: sentences without a wrong tag.
///
/// Labels that do not count may be anything; rows of nothing else are left out. Counterpart:
/// `torchmetrics.classification.MulticlassExactMatch`.
package struct ExactMatch: MetricSpec {
  package static var word: String { "exact_match" }

  package init() {}

  /// Right rows, and all.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    switch task.predictions {
    case .classes: MetricSums(counts: 2)
    default: throw MetricMisfit("needs classes", task)
    }
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let scores = try batch.scores
    let rows = scores.labels.shape.rank > 0 ? scores.labels.shape[0] : 0
    guard rows > 0 else { return }
    let best = try scores.outputs.argmax().pointer.assumingMemoryBound(to: Int32.self)
    let (labels, ignored) = (scores.classLabels, scores.ignoredLabel)
    let width = labels.count / rows
    for row in 0..<rows {
      let places = (row * width..<(row + 1) * width).filter { labels[$0] != ignored }
      guard !places.isEmpty else { continue }
      sums.counts[0] += places.allSatisfy { best[$0] == labels[$0] } ? 1 : 0
      sums.counts[1] += 1
    }
  }

  /// The share of right rows.
  package func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, .share(sums.counts[0], of: sums.counts[1]), higherIsBetter: true)
  }
}
