/// The root of the mean of squared errors over elements: `√(Σ (x - y)² / n)`.
///
/// Counterpart: `torchmetrics.MeanSquaredError(squared=False)`.
package struct RMSE: RegressionMetric {
  package static var word: String { "rmse" }

  package init() {}

  /// One sum.
  package static func sumCount(_ width: Int) -> Int { 1 }

  /// Adds a number.
  package static func add(_ value: Double, _ target: Double, column: Int, to sums: inout [ExactSum])
  {
    sums[0] += (value - target) * (value - target)
  }

  /// The root of the mean.
  package func result(_ sums: MetricSums) -> MetricResult {
    let mean = sums.sums[0].value / Double(sums.counts[0])
    return MetricResult(name, mean.squareRoot(), higherIsBetter: false)
  }
}
