import DLTensor
import DLLayers
import Glibc

/// The perplexity of labels: `exp(-Σ log p(label) / labels)`, without weights and smoothing.
///
/// Counterpart: `torchmetrics.text.Perplexity`.
package struct Perplexity: MetricSpec {
  package static var word: String { "perplexity" }

  package init() {}

  /// The labels, and the sum of their logarithms.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    guard case .classes = task.predictions else {
      throw MetricMisfit("needs classes or words that exclude each other", task)
    }
    return MetricSums(counts: 1, sums: 1)
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let scores = try batch.scores
    let width = scores.outputs.shape.last
    // Logarithms of probabilities stay what they are.
    let logarithms = try scores.outputs.logSoftmax().doubles
    let ignored = scores.ignoredLabel
    for (row, label) in scores.classLabels.enumerated() where label != ignored {
      guard (0..<width).contains(Int(label)) else { continue }
      sums.counts[0] += 1
      sums.sums[0] += logarithms[row * width + Int(label)]
    }
  }

  /// The perplexity.
  package func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(
      name, PortableMath.exp(-sums.sums[0].value / Double(sums.counts[0])), higherIsBetter: false)
  }
}
