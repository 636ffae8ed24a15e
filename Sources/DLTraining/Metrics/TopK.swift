import DLConfiguration
import DLLayers
import DLTensor

/// The share of labels whose class is among the k with the largest outputs; of equal ones the first
/// count.
///
/// Counterparts: `sklearn.metrics.top_k_accuracy_score`, `torchmetrics.Accuracy(top_k=k)`.
package struct TopK: MetricSpec {
  package static var word: String { "top_k" }
  /// The number of classes that may be named.
  package var k = 5

  /// Makes the metric of the first five.
  package init() {}

  /// Makes the metric of the first k.
  package init(k: Int) { self.k = k }

  package static var fields: [ConfigurationField<Self>] {
    [.init("k", \.k, .atLeast(1), "classes that may be named")]
  }

  /// As in `top_5`.
  package var name: String { "top_\(k)" }

  /// Right labels, and all.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    guard case .classes(let count) = task.predictions else {
      throw MetricMisfit("needs classes that exclude each other", task)
    }
    guard k <= count else { throw MetricMisfit("names \(k) classes", task) }
    return MetricSums(counts: 2)
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let scores = try batch.scores
    let width = scores.outputs.shape.last
    let outputs = scores.outputs.doubles
    let ignored = scores.ignoredLabel
    for (row, label) in scores.classLabels.enumerated() where label != ignored {
      sums.counts[1] += 1
      let (start, right) = (row * width, Int(label))
      guard (0..<width).contains(right) else { continue }
      let score = outputs[start + right]
      // What is no number stands above all, so that it never makes a label right.
      let before = (0..<width).count { other in
        other != right
          && (other < right
            ? !(outputs[start + other] < score) : !(outputs[start + other] <= score))
      }
      if before < k, !score.isNaN { sums.counts[0] += 1 }
    }
  }

  /// The share of right labels.
  package func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, .share(sums.counts[0], of: sums.counts[1]), higherIsBetter: true)
  }
}
