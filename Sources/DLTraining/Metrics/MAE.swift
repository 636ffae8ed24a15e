/// The mean of absolute errors over elements: `Σ |x - y| / n`.
///
/// Counterpart: `sklearn.metrics.mean_absolute_error`.
public struct MAE: RegressionMetric {
  /// The word as written in `validate.metrics`.
  public static var word: String { "mae" }

  /// Makes the metric.
  public init() {}

  /// One sum.
  public static func sumCount(_ width: Int) -> Int { 1 }

  /// Adds a number.
  public static func add(_ value: Double, _ target: Double, column: Int, to sums: inout [ExactSum])
  {
    sums[0] += abs(value - target)
  }

  /// The mean.
  public func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, sums.sums[0].value / Double(sums.counts[0]), higherIsBetter: false)
  }
}
