import DLConfiguration
import DLLayers

/// A way of making one number of those of several classes.
package enum ClassAverage: String, ConfigurationWord {
  /// The mean over the classes that occur in labels or predictions.
  case macro
  /// The number of all classes' counts together.
  case micro
  /// The mean over classes, each as often as it is a label.
  case weighted
  /// Each class by itself.
  case perClass = "per_class"
}

/// A metric of what was right, predicted and wanted of each class.
///
/// For one question of yes or no the class is yes.
package protocol ClassCountMetric: MetricSpec {
  /// The way in which classes become one number.
  var average: ClassAverage { get set }
  /// The number of one class, or of all together: a share, as a numerator and a denominator.
  static func share(right: Int, predicted: Int, wanted: Int) -> (Int, Int)
}

extension ClassCountMetric {
  package static var fields: [ConfigurationField<Self>] {
    [.init("average", \.average, "macro, micro, weighted or per_class")]
  }

  /// As in `f1` or `f1_micro`.
  package var name: String { average == .macro ? Self.word : "\(Self.word)_\(average.rawValue)" }

  /// Three counts for each class: right, predicted, wanted.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    switch task.predictions {
    case .classes(let count), .labels(let count): MetricSums(counts: 3 * count)
    default: throw MetricMisfit("needs classes", task)
    }
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let scores = try batch.scores
    let decisions = try scores.decisions
    let count = sums.counts.count / 3
    func add(_ kind: Int, _ index: Int) {
      // A label outside the classes is told where the data are checked.
      if (0..<count).contains(index) { sums.counts[kind * count + index] += 1 }
    }
    if case .labels = scores.kind {
      for index in decisions.truth.indices {
        let (truth, predicted) = (decisions.truth[index], decisions.predicted[index])
        if truth & predicted == 1 { add(0, index % count) }
        if predicted == 1 { add(1, index % count) }
        if truth == 1 { add(2, index % count) }
      }
    } else {
      for (truth, predicted) in zip(decisions.truth, decisions.predicted) {
        if truth == predicted { add(0, truth) }
        add(1, predicted)
        add(2, truth)
      }
    }
  }

  /// The number of each class, or one of all.
  package func result(_ sums: MetricSums) -> MetricResult {
    let count = sums.counts.count / 3
    func value(_ right: Int, _ predicted: Int, _ wanted: Int) -> Double {
      let (part, whole) = Self.share(right: right, predicted: predicted, wanted: wanted)
      return whole > 0 ? Double(part) / Double(whole) : 0
    }
    func counts(_ kind: Int) -> ArraySlice<Int> { sums.counts[kind * count..<(kind + 1) * count] }
    let (right, predicted, wanted) = (Array(counts(0)), Array(counts(1)), Array(counts(2)))
    let values = (0..<count).map { value(right[$0], predicted[$0], wanted[$0]) }
    func mean(_ weights: [Int]) -> Double {
      let total = weights.reduce(0, +)
      guard total > 0 else { return .nan }
      return zip(values, weights).reduce(0) { $0 + $1.0 * Double($1.1) } / Double(total)
    }
    let content: MetricResult.Content =
      switch average {
      case .macro:
        .number(count == 1 ? values[0] : mean(zip(predicted, wanted).map { $0 + $1 > 0 ? 1 : 0 }))
      case .micro:
        .number(value(right.reduce(0, +), predicted.reduce(0, +), wanted.reduce(0, +)))
      case .weighted: .number(mean(wanted))
      case .perClass: .perClass(values)
      }
    return MetricResult(name, content, higherIsBetter: true)
  }
}
