/// The share of what is predicted that is right: `right / predicted`.
///
/// 0 for a class that is never predicted. Counterpart: `sklearn.metrics.precision_score`.
package struct Precision: ClassCountMetric {
  package static var word: String { "precision" }
  /// The way in which the classes become one number.
  package var average = ClassAverage.macro

  /// Makes the metric with the mean over classes.
  package init() {}

  package init(average: ClassAverage) { self.average = average }

  /// The quotient, as numerator and denominator.
  package static func share(right: Int, predicted: Int, wanted: Int) -> (Int, Int) {
    (right, predicted)
  }
}
