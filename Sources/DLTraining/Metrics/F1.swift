/// The harmonic mean of precision and recall: `2 · right / (predicted + wanted)`.
///
/// 0 for a class that does not occur. Counterpart: `sklearn.metrics.f1_score`.
package struct F1: ClassCountMetric {
  package static var word: String { "f1" }
  /// The way in which the classes become one number.
  package var average = ClassAverage.macro

  /// Makes the metric with the mean over classes.
  package init() {}

  package init(average: ClassAverage) { self.average = average }

  /// The quotient, as numerator and denominator.
  package static func share(right: Int, predicted: Int, wanted: Int) -> (Int, Int) {
    (2 * right, predicted + wanted)
  }
}
