import DLCore
import DLTensor

/// A check of whether the loss lies below random chords, as that of a convex problem does.
///
///     L(t a + (1 - t) b) <= t L(a) + (1 - t) L(b)
///
/// Jensen's inequality, at three points of each chord between two points around the weights. A single
/// violation proves that the loss is not convex; none proves nothing.
package struct ConvexityCheck: AnalysisSection {
  package static let key = "convexity"
  package let title = "Convexity"

  package let chords: Int
  package let points: Int
  package let violations: Int
  /// The largest height of the loss above a chord; not positive without a violation.
  package let worst: Double

  package static func make(_ analysis: Analysis) throws -> ConvexityCheck? {
    let chords = analysis.options.chords
    guard chords > 0 else { return nil }
    let surface = analysis.surface
    // As far as the weights are from 0, so that biases and scales move too.
    let root = Double(max(surface.dimensions, 1)).squareRoot()
    let size = try max(analysis.weights.norm / root, 1e-2) * analysis.options.span
    var (violations, worst) = (0, -Double.infinity)
    defer { surface.move(to: analysis.weights) }
    for chord in 0..<chords {
      let ends = try ["a", "b"].map {
        try analysis.weights + surface.randomVector("chord \(chord) \($0)") * size
      }
      func loss(_ t: Double) throws -> Double {
        surface.move(to: try ends[0] * t + ends[1] * (1 - t))
        return try surface.loss()
      }
      let (first, second) = (try loss(1), try loss(0))
      for t in [0.25, 0.5, 0.75] {
        let excess = try loss(t) - (t * first + (1 - t) * second)
        worst = max(worst, excess)
        // Beyond what rounding makes of sums of this size.
        if !(excess <= 1e-12 * (abs(first) + abs(second))) { violations += 1 }
      }
    }
    return ConvexityCheck(
      chords: chords, points: 3 * chords, violations: violations, worst: worst)
  }

  package func text(columns: Int?) -> String {
    let what =
      violations == 0
      ? "lies on or below all of them: nothing speaks against a convex loss"
      : "lies above in \(Format.grouped(violations)) of them, by \(Format.significant(worst, 4)) "
        + "at most: it is not convex"
    return Format.wrapped(
      "At \(Format.count(points, "point")) of \(Format.count(chords, "random chord")) the loss "
        + "\(what).", columns)
  }

  package var json: JSON {
    [
      "chords": .integer(chords), "points": .integer(points),
      "violations": .integer(violations), "worst": .number(worst),
    ]
  }
}
