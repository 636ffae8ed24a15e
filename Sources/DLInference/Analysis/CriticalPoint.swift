import DLCore
import DLTensor

/// A verdict on whether the weights are a minimum, a saddle or neither, by the gradient and the
/// ends of the Hessian's spectrum, and where the negative curvature leads.
package struct CriticalPoint: AnalysisSection {
  package static let key = "critical_point"
  package let title = "Curvature"

  /// The kind of point that the weights are.
  package enum Verdict: String, Sendable {
    /// The gradient is small and all curvature is positive.
    case minimum
    /// The gradient is small and some curvature is negative.
    case saddle
    /// The gradient is small, and the smallest curvature is 0 within its residual.
    case flat
    /// The gradient is not small.
    case slope
  }

  /// A step along the eigenvector of the smallest eigenvalue.
  package struct Escape: Sendable {
    /// Its length.
    package let distance: Double
    /// The loss behind it.
    package let loss: Double
    /// The change that the gradient and the curvature predict.
    package let predicted: Double
  }

  /// An eigenvalue and the distance within which one lies.
  package struct Value: Sendable {
    package let value: Double
    package let residual: Double

    fileprivate init(_ pair: EigenPair) { (value, residual) = (pair.value, pair.residual) }

    fileprivate var text: [String] {
      [Format.significant(value, 8), "± \(Format.significant(residual, 2))"]
    }
    fileprivate var json: JSON { ["value": .number(value), "residual": .number(residual)] }
  }

  /// The share of the loss that a gradient step may gain where the gradient counts as small.
  static let smallGain = 1e-3

  package let method: HessianProduct.Method
  package let steps: Int
  package let hasConverged: Bool
  package let largest: [Value]
  package let smallest: [Value]
  package let loss: Double
  package let gradientNorm: Double
  /// The least gain of a step along the gradient: `|g|² / 2|λ|`.
  package let gain: Double
  package let verdict: Verdict
  package let escape: Escape?

  package static func make(_ analysis: Analysis) throws -> CriticalPoint? {
    guard let (lanczos, method) = try analysis.spectrum(), let top = lanczos.largest.first,
      let bottom = lanczos.smallest.first
    else { return nil }
    let norm = try analysis.gradient.norm
    let size = max(abs(top.value), abs(bottom.value))
    let gain = size > 0 ? norm * norm / (2 * size) : norm > 0 ? .infinity : 0
    let doubt = bottom.residual + 1e-10 * size
    let isNegative = bottom.value < -doubt
    let isSmall = gain <= smallGain * abs(analysis.loss) || norm <= 1e-12
    let verdict: Verdict =
      !isSmall ? .slope : isNegative ? .saddle : bottom.value > doubt ? .minimum : .flat
    return CriticalPoint(
      method: method, steps: lanczos.steps, hasConverged: lanczos.hasConverged,
      largest: lanczos.largest.map(Value.init), smallest: lanczos.smallest.map(Value.init),
      loss: analysis.loss, gradientNorm: norm, gain: gain, verdict: verdict,
      escape: isNegative ? try escape(analysis, bottom) : nil)
  }

  /// The best of steps along the direction of negative curvature, down the gradient, each twice as
  /// long as the one before until the loss rises.
  private static func escape(_ analysis: Analysis, _ pair: EigenPair) throws -> Escape? {
    guard let vector = pair.vector else { return nil }
    let slope = try vector.dot(analysis.gradient)
    let sign = slope > 0 ? -1.0 : 1
    let shortest = try max(analysis.weights.norm, 1e-3) * 1e-4
    var best: Escape?
    for power in 0..<40 {
      let distance = shortest * Double(1 << power)
      let loss = try analysis.loss(at: sign * distance, along: vector)
      let predicted =
        analysis.loss - abs(slope) * distance + pair.value * distance * distance / 2
      guard loss < best?.loss ?? .infinity else { break }
      best = Escape(distance: distance, loss: loss, predicted: predicted)
    }
    return best
  }

  private var methodText: String {
    switch method {
    case .differentiation: "by differentiating twice"
    case .differences(let step, let reason):
      "by central differences of the gradient, step \(Format.significant(step, 3)) "
        + "(\(reason))"
    }
  }

  private var verdictText: String {
    let norm = Format.significant(gradientNorm, 3)
    let share =
      "would gain \(Format.significant(gain, 3)) or more of \(Format.significant(loss, 6))"
    let low = smallest.first.map { $0.text.joined(separator: " ") } ?? "?"
    return switch verdict {
    case .minimum:
      "a minimum: the gradient is small (norm \(norm), a step along it \(share)), and the "
        + "smallest curvature is positive, \(low)"
    case .saddle:
      "a saddle: the gradient is small (norm \(norm), a step along it \(share)), and the "
        + "smallest curvature is negative, \(low)"
    case .flat:
      "a minimum as far as can be seen: the gradient is small (norm \(norm), a step along it "
        + "\(share)), and the smallest curvature is 0 within its residual, \(low)"
    case .slope:
      "neither a minimum nor a saddle: the gradient is not small (norm \(norm)), a step along it "
        + share
    }
  }

  package func text(columns: Int?) -> String {
    var lines = [
      "Hessian-vector products \(methodText); \(counted(steps, "Lanczos step")), "
        + (hasConverged
          ? "outermost eigenvalues found" : "not all found, the residuals say how far off"),
      "",
    ]
    let names = largest.indices.map { $0 == 0 ? "largest eigenvalues" : "" }
    let others = smallest.indices.map { $0 == 0 ? "smallest eigenvalues" : "" }
    lines.append(
      Format.table(
        zip(names, largest).map { [$0] + $1.text } + zip(others, smallest).map { [$0] + $1.text },
        rightAligned: [1], columns: columns))
    lines += ["", "The weights are \(verdictText)."]
    if let escape {
      let change = loss - escape.loss
      lines += [
        "",
        "A step of length \(Format.significant(escape.distance, 3)) along the eigenvector of the "
          + "smallest eigenvalue \(change > 0 ? "lowers" : "does not lower") the loss: "
          + "\(Format.significant(loss, 9)) to \(Format.significant(escape.loss, 9)) "
          + "(by gradient and curvature \(Format.significant(escape.predicted, 6))).",
      ]
    }
    return lines.map { Format.wrapped($0, columns) }.joined(separator: "\n")
  }

  package var json: JSON {
    var members: [JSON.Member] = [
      .init("verdict", .string(verdict.rawValue)), .init("gradient_norm", .number(gradientNorm)),
      .init("gain", .number(gain)), .init("largest", .array(largest.map(\.json))),
      .init("smallest", .array(smallest.map(\.json))), .init("lanczos_steps", .integer(steps)),
      .init("converged", .bool(hasConverged)),
    ]
    switch method {
    case .differentiation: members.append(.init("products", "differentiation"))
    case .differences(let step, let reason):
      members += [
        .init("products", "central differences"), .init("step", .number(step)),
        .init("reason", .string(reason)),
      ]
    }
    if let escape {
      members.append(
        .init(
          "escape",
          [
            "distance": .number(escape.distance), "loss": .number(escape.loss),
            "predicted": .number(escape.predicted),
          ]))
    }
    return .object(members)
  }
}
