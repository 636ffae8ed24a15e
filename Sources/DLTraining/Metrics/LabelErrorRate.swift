import DLConfiguration
import DLLayers
import DLTensor

/// The least number of labels to insert, delete or replace so that the predicted sequences become the
/// right ones, over the number of right labels; 0 is best, and it may be above 1.
///
/// With words as labels it is the word error rate. Predicted are the labels of the likeliest path.
/// Graves et al. 2006, equation 1. Counterpart: `torchmetrics.text.WordErrorRate`.
package struct LabelErrorRate: MetricSpec {
  package static var word: String { "label_error_rate" }

  package init() {}

  /// Edits, and right labels.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    guard case .sequences = task.predictions else {
      throw MetricMisfit("needs sequences of classes, as of loss: ctc", task)
    }
    return MetricSums(counts: 2)
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let scores = try batch.scores
    guard let loss = scores.loss as? CTC else { return }
    let width = scores.labels.shape.last
    let labels = scores.classLabels
    for (row, path) in try loss.bestPaths(scores.outputs).enumerated() {
      let right = labels[row * width..<(row + 1) * width].prefix { Int($0) != loss.blank }
      sums.counts[0] += editDistance(path, right.map { Int($0) })
      sums.counts[1] += right.count
    }
  }

  /// Edits over labels.
  package func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, Double(sums.counts[0]) / Double(sums.counts[1]), higherIsBetter: false)
  }
}

/// The least number of elements to insert, delete or replace that makes one list the other.
///
/// Levenshtein 1966, by the table of Wagner and Fischer 1974, row by row.
func editDistance<Element: Equatable>(_ a: [Element], _ b: [Element]) -> Int {
  var above = Array(0...b.count)
  for (row, element) in a.enumerated() {
    var current = [row + 1]
    current.reserveCapacity(b.count + 1)
    for (column, other) in b.enumerated() {
      current.append(
        min(above[column] + (element == other ? 0 : 1), above[column + 1] + 1, current[column] + 1))
    }
    above = current
  }
  return above[b.count]
}
