import DLConfiguration
import DLLayers

/// A way of making one number of the areas of several classes.
package enum AreaAverage: String, ConfigurationWord {
  /// The mean over classes.
  case macro
  /// The mean over classes, each as often as it is a label.
  case weighted
  /// Each class by itself.
  case perClass = "per_class"
}

/// A metric of how scores rank the rows of a class above the others.
///
/// The scores of all rows are kept, ``MetricSums/scoreLimit`` of them at most; what they come to
/// depends on the set of them and not on their order. A class is ranked against all others by its
/// probability, a label of yes or no by its output.
package protocol RankingMetric: MetricSpec {
  /// The way in which classes become one number.
  var average: AreaAverage { get set }
  /// The area, from scores in falling order, each distinct one with how many rows of the class and
  /// of others have it.
  static func area(_ groups: [RankedGroup], wanted: Int, others: Int) -> Double
}

/// Rows of one score: those of the class, and the others.
package struct RankedGroup: Sendable, Hashable {
  /// Rows of the class.
  package var wanted = 0
  /// Rows of other classes.
  package var others = 0
}

extension RankingMetric {
  package static var fields: [ConfigurationField<Self>] {
    [.init("average", \.average, "macro, weighted or per_class")]
  }

  /// As in `roc_auc` or `roc_auc_per_class`.
  package var name: String { average == .macro ? Self.word : "\(Self.word)_\(average.rawValue)" }

  /// The number of classes, and the scores of all rows.
  ///
  /// - Throws: ``MetricMisfit`` where the task predicts something else.
  package func sums(for task: MetricTask) throws -> MetricSums {
    let width: Int
    switch task.predictions {
    case .classes(let count): width = count
    case .labels: width = 1
    default: throw MetricMisfit("needs classes", task)
    }
    guard task.labels <= MetricSums.scoreLimit / max(width, 1) else {
      throw MetricMisfit(
        "ranks \(MetricSums.scoreLimit) scores at most, these are \(task.labels) labels with "
          + "\(width) each")
    }
    return MetricSums(keepsScores: true)
  }

  package func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    let scores = try batch.scores
    if case .classes(let width) = scores.kind {
      let probabilities = try scores.probabilities.doubles
      let ignored = scores.ignoredLabel
      for (row, label) in scores.classLabels.enumerated() where label != ignored {
        try sums.keep(probabilities[row * width..<(row + 1) * width], label: label)
      }
    } else if case .labels = scores.kind {
      let (outputs, labels) = (scores.outputs.doubles, scores.labels.doubles)
      let width = scores.outputs.shape.rank > 1 ? scores.outputs.shape.last : 1
      // The column goes with the label, so that columns can be told apart.
      for index in outputs.indices {
        let column = Int32(index % width)
        try sums.keep(outputs[index...index], label: 2 * column + (labels[index] >= 0.5 ? 1 : 0))
      }
    }
  }

  /// The area of each class, or their mean.
  package func result(_ sums: MetricSums) -> MetricResult {
    let rows = sums.labels.count
    let width = rows > 0 ? sums.scores.count / rows : 0
    // One score a row: labels of yes or no, with their columns.
    let columns = width == 1 ? Int(sums.labels.max() ?? 0) / 2 + 1 : width
    var areas: [Double] = []
    var weights: [Int] = []
    for column in 0..<columns {
      let pairs: [(score: Double, isWanted: Bool)] =
        width == 1
        ? sums.labels.indices.filter { sums.labels[$0] / 2 == Int32(column) }
          .map { (sums.scores[$0], sums.labels[$0] % 2 == 1) }
        : (0..<rows).map { (sums.scores[$0 * width + column], sums.labels[$0] == Int32(column)) }
      areas.append(Self.area(pairs))
      weights.append(pairs.count { $0.isWanted })
    }
    let total = weights.reduce(0, +)
    let content: MetricResult.Content =
      switch average {
      case .macro: .number(areas.reduce(0, +) / Double(areas.count))
      case .weighted:
        .number(zip(areas, weights).reduce(0) { $0 + $1.0 * Double($1.1) } / Double(total))
      case .perClass: .perClass(areas)
      }
    return MetricResult(name, content, higherIsBetter: true)
  }

  private static func area(_ pairs: [(score: Double, isWanted: Bool)]) -> Double {
    guard !pairs.contains(where: { $0.score.isNaN }) else { return .nan }
    var groups: [RankedGroup] = []
    var last: Double?
    for pair in pairs.sorted(by: { $0.score > $1.score }) {
      if pair.score != last { groups.append(RankedGroup()) }
      last = pair.score
      if pair.isWanted {
        groups[groups.count - 1].wanted += 1
      } else {
        groups[groups.count - 1].others += 1
      }
    }
    let wanted = pairs.count { $0.isWanted }
    return area(groups, wanted: wanted, others: pairs.count - wanted)
  }
}
