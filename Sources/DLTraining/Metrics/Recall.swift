/// The share of what is wanted that is found: `right / wanted`.
///
/// 0 for a class that is never a label. Counterpart: `sklearn.metrics.recall_score`.
package struct Recall: ClassCountMetric {
  package static var word: String { "recall" }
  /// The way in which the classes become one number.
  package var average = ClassAverage.macro

  /// Makes the metric with the mean over classes.
  package init() {}

  package init(average: ClassAverage) { self.average = average }

  /// The quotient, as numerator and denominator.
  package static func share(right: Int, predicted: Int, wanted: Int) -> (Int, Int) {
    (right, wanted)
  }
}
