/// The share of the variance that is explained: `1 - Σ (x - y)² / Σ (y - mean y)²`, the mean over the
/// last axis.
///
/// 1 for a column that is all right, 0 for another one whose labels do not vary. Counterpart:
/// `sklearn.metrics.r2_score`.
package struct R2: RegressionMetric {
  package static var word: String { "r2" }

  package init() {}

  /// Squared errors, labels and their squares for each column.
  package static func sumCount(_ width: Int) -> Int { 3 * width }

  /// Adds a number.
  package static func add(_ value: Double, _ target: Double, column: Int, to sums: inout [ExactSum])
  {
    sums[3 * column] += (value - target) * (value - target)
    sums[3 * column + 1] += target
    sums[3 * column + 2] += target * target
  }

  /// The mean of the columns' shares.
  package func result(_ sums: MetricSums) -> MetricResult {
    let width = sums.sums.count / 3
    let rows = Double(sums.counts[0] / max(width, 1))
    let shares = (0..<width).map { column in
      let (errors, sum, squares) = (
        sums.sums[3 * column].value, sums.sums[3 * column + 1].value,
        sums.sums[3 * column + 2].value
      )
      let variance = squares - sum * sum / rows
      if errors == 0 { return 1.0 }
      // What is left of a difference of equal numbers is rounding.
      return variance <= 1e-15 * squares ? 0 : 1 - errors / variance
    }
    return MetricResult(name, shares.reduce(0, +) / Double(width), higherIsBetter: true)
  }
}
