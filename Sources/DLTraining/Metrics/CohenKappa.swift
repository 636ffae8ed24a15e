import DLConfiguration
import DLLayers

/// Cohen's kappa, the agreement of predictions and labels beyond chance:
/// `1 - Σ w(i, j) · counts(i, j) / Σ w(i, j) · labels(i) · predictions(j) / n`.
///
/// The weight of a disagreement is 1, the distance of the classes, or its square. No number where all are of
/// one class. Cohen 1960 and 1968; counterpart: `sklearn.metrics.cohen_kappa_score`.
package struct CohenKappa: MetricSpec {
  /// The weight of a disagreement.
  package enum Weights: String, ConfigurationWord { case none, linear, quadratic }

  package static var word: String { "cohen_kappa" }
  /// The weight of a disagreement.
  package var weights = Weights.none

  /// Makes the metric without weights.
  package init() {}

  package init(weights: Weights) { self.weights = weights }

  package static var fields: [ConfigurationField<Self>] {
    [.init("weights", \.weights, "none, linear or quadratic, by the distance of classes")]
  }

  /// `cohen_kappa`, or as in `cohen_kappa_linear`.
  package var name: String { weights == .none ? Self.word : "\(Self.word)_\(weights.rawValue)" }

  /// Counts of labels and of predictions by class, the weights of all disagreements, and all labels.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    switch task.predictions {
    case .classes(let count): MetricSums(counts: 2 * count + 2)
    case .labels(1): MetricSums(counts: 6)
    default: throw MetricMisfit("needs classes that exclude each other", task)
    }
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let decisions = try batch.scores.decisions
    let classes = sums.counts.count / 2 - 1
    for (truth, predicted) in zip(decisions.truth, decisions.predicted)
    where (0..<classes).contains(truth) {
      sums.counts[truth] += 1
      sums.counts[classes + predicted] += 1
      sums.counts[2 * classes] += weight(truth, predicted)
      sums.counts[2 * classes + 1] += 1
    }
  }

  /// The agreement.
  package func result(_ sums: MetricSums) -> MetricResult {
    let classes = sums.counts.count / 2 - 1
    let (labels, predictions) = (sums.counts[..<classes], sums.counts[classes..<2 * classes])
    var chance = 0.0
    for (truth, wanted) in labels.enumerated() where wanted > 0 {
      for (index, predicted) in predictions.enumerated() where predicted > 0 {
        chance += Double(weight(truth, index)) * Double(wanted) * Double(predicted)
      }
    }
    let seen = Double(sums.counts[2 * classes]) * Double(sums.counts[2 * classes + 1])
    return MetricResult(name, chance > 0 ? 1 - seen / chance : .nan, higherIsBetter: true)
  }

  private func weight(_ truth: Int, _ predicted: Int) -> Int {
    let distance = abs(truth - predicted)
    return switch weights {
    case .none: min(distance, 1)
    case .linear: distance
    case .quadratic: distance * distance
    }
  }
}
