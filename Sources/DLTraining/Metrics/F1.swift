/// The harmonic mean of precision and recall: `2 · right / (predicted + wanted)`.
///
/// 0 for a class that does not occur. Counterpart: `sklearn.metrics.f1_score`.
public struct F1: ClassCountMetric {
  /// The word as written in `validate.metrics`.
  public static var word: String { "f1" }
  /// How the classes become one number.
  public var average = ClassAverage.macro

  /// Makes the metric with the mean over classes.
  public init() {}

  /// Makes the metric.
  public init(average: ClassAverage) { self.average = average }

  /// What is divided by what.
  public static func share(right: Int, predicted: Int, wanted: Int) -> (Int, Int) {
    (2 * right, predicted + wanted)
  }
}
