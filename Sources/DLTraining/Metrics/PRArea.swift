/// The average precision, the area under the curve of precision against recall:
/// `Σ (recall(i) - recall(i-1)) · precision(i)` over the distinct scores from the highest on.
///
/// No number where a class has no row. Counterpart: `sklearn.metrics.average_precision_score`.
package struct PRArea: RankingMetric {
  package static var word: String { "pr_auc" }
  /// The way in which the classes become one number.
  package var average = AreaAverage.macro

  /// Makes the metric with the mean over classes.
  package init() {}

  package init(average: AreaAverage) { self.average = average }

  /// The area under the curve of one class.
  package static func area(_ groups: [RankedGroup], wanted: Int, others: Int) -> Double {
    guard wanted > 0 else { return .nan }
    var (found, seen, area) = (0, 0, 0.0)
    for group in groups {
      found += group.wanted
      seen += group.wanted + group.others
      area += Double(group.wanted) * Double(found) / Double(seen)
    }
    return area / Double(wanted)
  }
}
