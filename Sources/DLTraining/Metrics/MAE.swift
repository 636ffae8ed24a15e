/// The mean of absolute errors over elements: `Σ |x - y| / n`.
///
/// Counterpart: `sklearn.metrics.mean_absolute_error`.
package struct MAE: RegressionMetric {
  package static var word: String { "mae" }

  package init() {}

  /// One sum.
  package static func sumCount(_ width: Int) -> Int { 1 }

  /// Adds a number.
  package static func add(_ value: Double, _ target: Double, column: Int, to sums: inout [ExactSum])
  {
    sums[0] += abs(value - target)
  }

  /// The mean.
  package func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, sums.sums[0].value / Double(sums.counts[0]), higherIsBetter: false)
  }
}
