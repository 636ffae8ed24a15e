/// The share of what is wanted that is found: `right / wanted`.
///
/// 0 for a class that is never a label. Counterpart: `sklearn.metrics.recall_score`.
public struct Recall: ClassCountMetric {
  /// The word as written in `validate.metrics`.
  public static var word: String { "recall" }
  /// How the classes become one number.
  public var average = ClassAverage.macro

  /// Makes the metric with the mean over classes.
  public init() {}

  /// Makes the metric.
  public init(average: ClassAverage) { self.average = average }

  /// What is divided by what.
  public static func share(right: Int, predicted: Int, wanted: Int) -> (Int, Int) {
    (right, wanted)
  }
}
