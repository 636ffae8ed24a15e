/// The area under the curve of true against false positives: how likely a row of the class scores
/// higher than another, equal ones counting half.
///
/// `Σ over pairs ([s⁺ > s⁻] + ½ [s⁺ = s⁻]) / (n⁺ n⁻)`, in integers. No number where a class has no row, or
/// all. Mann and Whitney 1947; counterpart: `sklearn.metrics.roc_auc_score`, one versus rest.
package struct ROCArea: RankingMetric {
  package static var word: String { "roc_auc" }
  /// The way in which the classes become one number.
  package var average = AreaAverage.macro

  /// Makes the metric with the mean over classes.
  package init() {}

  package init(average: AreaAverage) { self.average = average }

  /// The area under the curve of one class.
  package static func area(_ groups: [RankedGroup], wanted: Int, others: Int) -> Double {
    guard wanted > 0, others > 0 else { return .nan }
    var (below, halves) = (others, 0)
    for group in groups {
      below -= group.others
      halves += group.wanted * (2 * below + group.others)
    }
    return Double(halves) / (2 * Double(wanted) * Double(others))
  }
}
