import DLConfiguration
import DLLayers

/// The distance of confidence from accuracy: `Σ (rows of the bin / rows) · |accuracy - confidence|`
/// over bins of equal width.
///
/// The confidence is the largest probability, of bins `((m - 1) / bins, m / bins]` (Guo et al. 2017, "On
/// Calibration of Modern Neural Networks", equation 3); for yes or no it is the probability of yes, and
/// the accuracy the share of yes. Counterpart: `torchmetrics.CalibrationError(norm="l1")`.
package struct ExpectedCalibrationError: MetricSpec {
  package static var word: String { "expected_calibration_error" }
  /// The number of bins.
  package var bins = 15

  /// Makes the metric with 15 bins.
  package init() {}

  package init(bins: Int) { self.bins = bins }

  package static var fields: [ConfigurationField<Self>] {
    [.init("bins", \.bins, .within(1...10_000), "bins of equal width")]
  }

  /// `expected_calibration_error`, with the number of bins where it is not 15.
  package var name: String { bins == 15 ? Self.word : "\(Self.word)_\(bins)" }

  /// Right labels and labels of each bin, and the sum of their confidences.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    switch task.predictions {
    case .classes, .labels(1): MetricSums(counts: 2 * bins, sums: bins)
    default: throw MetricMisfit("needs classes that exclude each other", task)
    }
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let scores = try batch.scores
    let probabilities = try scores.probabilities.doubles
    func add(_ confidence: Double, isRight: Bool) {
      let bin =
        confidence.isNaN
        ? bins - 1 : min(max(Int((confidence * Double(bins)).rounded(.up)) - 1, 0), bins - 1)
      sums.counts[bin] += isRight ? 1 : 0
      sums.counts[bins + bin] += 1
      sums.sums[bin] += confidence
    }
    if case .classes(let width) = scores.kind {
      let ignored = scores.ignoredLabel
      for (row, label) in scores.classLabels.enumerated() where label != ignored {
        var best = row * width
        for index in best..<best + width where probabilities[index] > probabilities[best] {
          best = index
        }
        add(probabilities[best], isRight: best - row * width == Int(label))
      }
    } else {
      for (confidence, label) in zip(probabilities, scores.labels.doubles) {
        add(confidence, isRight: label >= 0.5)
      }
    }
  }

  /// The mean difference.
  package func result(_ sums: MetricSums) -> MetricResult {
    let rows = Double(sums.counts[bins...].reduce(0, +))
    let error = (0..<bins).reduce(0.0) { total, bin in
      let count = sums.counts[bins + bin]
      return count > 0 ? total + abs(Double(sums.counts[bin]) - sums.sums[bin].value) : total
    }
    return MetricResult(name, error / rows, higherIsBetter: false)
  }
}
