import DLCore
import DLTensor

/// The rise of the loss within a ball around the weights: along the eigenvector of the largest
/// curvature to either side, and along the gradient.
///
/// Along the gradient it is the sharpness of Foret et al. 2021, "Sharpness-Aware Minimization for
/// Efficiently Improving Generalization", equation 1 with their first-order solution; Keskar et al.
/// 2017 look for the largest loss in a ball.
package struct Sharpness: AnalysisSection {
  package static let key = "sharpness"
  package let title = "Sharpness"

  /// A step and the loss behind it.
  package struct Step: Sendable {
    package let name: String
    package let loss: Double
  }

  package let radius: Double
  package let loss: Double
  package let steps: [Step]
  /// The rise that the largest eigenvalue predicts: `radius² λ / 2`.
  package let predicted: Double?

  /// The largest loss found, less that at the weights.
  package var rise: Double { (steps.map(\.loss).max() ?? loss) - loss }

  package static func make(_ analysis: Analysis) throws -> Sharpness? {
    let radius = analysis.options.radius
    guard radius > 0 else { return nil }
    var steps: [Step] = []
    let top = try analysis.spectrum()?.lanczos.largest.first
    if let vector = top?.vector {
      for (name, sign) in [("along the first eigenvector", 1.0), ("against it", -1)] {
        steps.append(Step(name: name, loss: try analysis.loss(at: sign * radius, along: vector)))
      }
    }
    let norm = try analysis.gradient.norm
    if norm > 0 {
      steps.append(
        Step(
          name: "up the gradient",
          loss: try analysis.loss(at: radius / norm, along: analysis.gradient)))
    }
    guard !steps.isEmpty else { return nil }
    return Sharpness(
      radius: radius, loss: analysis.loss, steps: steps,
      predicted: top.map { radius * radius * $0.value / 2 })
  }

  package func text(columns: Int?) -> String {
    func signed(_ value: Double) -> String {
      (value >= 0 ? "+" : "") + Format.significant(value, 4)
    }
    var rows = [["at the weights", Format.significant(loss, 9), ""]]
    rows += steps.map {
      [$0.name, Format.significant($0.loss, 9), signed($0.loss - loss)]
    }
    if let predicted {
      rows.append([
        "by the largest eigenvalue alone", Format.significant(loss + predicted, 9),
        signed(predicted),
      ])
    }
    return Format.wrapped("Mean loss at a distance of \(Format.significant(radius, 4)):", columns)
      + "\n\n" + Format.table(rows, rightAligned: [1, 2], columns: columns)
  }

  package var json: JSON {
    [
      "radius": .number(radius), "rise": .number(rise),
      "losses": .object(steps.map { .init($0.name, .number($0.loss)) }),
      "predicted_rise": predicted.map { .number($0) } ?? .null,
    ]
  }
}
