/// The share of what is predicted that is right: `right / predicted`.
///
/// 0 for a class that is never predicted. Counterpart: `sklearn.metrics.precision_score`.
public struct Precision: ClassCountMetric {
  /// The word as written in `validate.metrics`.
  public static var word: String { "precision" }
  /// How the classes become one number.
  public var average = ClassAverage.macro

  /// Makes the metric with the mean over classes.
  public init() {}

  /// Makes the metric.
  public init(average: ClassAverage) { self.average = average }

  /// What is divided by what.
  public static func share(right: Int, predicted: Int, wanted: Int) -> (Int, Int) {
    (right, predicted)
  }
}
