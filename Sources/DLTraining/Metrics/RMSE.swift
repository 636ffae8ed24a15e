/// The root of the mean of squared errors over elements: `√(Σ (x - y)² / n)`.
///
/// Counterpart: `torchmetrics.MeanSquaredError(squared=False)`.
public struct RMSE: RegressionMetric {
  /// The word as written in `validate.metrics`.
  public static var word: String { "rmse" }

  /// Makes the metric.
  public init() {}

  /// One sum.
  public static func sumCount(_ width: Int) -> Int { 1 }

  /// Adds a number.
  public static func add(_ value: Double, _ target: Double, column: Int, to sums: inout [ExactSum])
  {
    sums[0] += (value - target) * (value - target)
  }

  /// The root of the mean.
  public func result(_ sums: MetricSums) -> MetricResult {
    let mean = sums.sums[0].value / Double(sums.counts[0])
    return MetricResult(name, mean.squareRoot(), higherIsBetter: false)
  }
}
