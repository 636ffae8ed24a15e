import DLCore
import DLTensor

/// The mean loss over a plane through the weights that two random directions span, each normalized
/// by filters.
///
/// Li et al. 2018, "Visualizing the Loss Landscape of Neural Nets".
package struct LossPlane: AnalysisSection {
  package static let key = "plane"
  package let title = "Loss over a plane"

  /// The places on either axis, 0 at the weights.
  package let places: [Double]
  /// The losses, a list for each place of the second direction.
  package let losses: [[Double]]

  package static func make(_ analysis: Analysis) throws -> LossPlane? {
    let count = analysis.options.plane
    guard count > 1 else { return nil }
    let surface = analysis.surface
    let first = try surface.filterDirection("plane 1", at: analysis.weights)
    let second = try surface.filterDirection("plane 2", at: analysis.weights)
    let places = LossLine.spread(
      count, from: -analysis.options.span, to: analysis.options.span)
    defer { surface.move(to: analysis.weights) }
    let losses = try places.map { y in
      let row = try analysis.weights + second * y
      return try places.map { x in
        surface.move(to: try row + first * x)
        return try surface.loss()
      }
    }
    return LossPlane(places: places, losses: losses)
  }

  package func text(columns: Int?) -> String {
    let all = losses.flatMap(\.self)
    let (least, most) = (all.min() ?? .nan, all.max() ?? .nan)
    return Format.wrapped(
      "\(places.count) x \(places.count) points, mean loss from \(Format.significant(least, 6)) to "
        + Format.significant(most, 6), columns)
  }

  package var json: JSON {
    [
      "places": .array(places.map { .number($0) }),
      "losses": .array(losses.map { .array($0.map { .number($0) }) }),
    ]
  }

  /// The points as CSV.
  package var csv: String {
    "x,y,loss\n"
      + zip(places, losses).map { y, row in
        zip(places, row).map { "\($0),\(y),\($1)\n" }.joined()
      }.joined()
  }
}
