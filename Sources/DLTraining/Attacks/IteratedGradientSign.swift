import DLTensor

/// Steps along the sign of the gradient, each cut back to the ball around the input.
///
/// The basic iterative method of Kurakin et al. 2017, "Adversarial Examples in the Physical World".
package struct IteratedGradientSign: Attack {
  package static let word = "ifgsm"
  package static let knownOptions: Set<AttackOption> = [.steps, .stepSize]
  let options: AttackOptions

  package init(_ options: AttackOptions) { self.options = options }

  package func perturbed(_ rows: AttackRows, _ network: AttackedNetwork) throws -> Tensor {
    try options.climbed(rows, from: rows.pixels, network)
  }
}

extension AttackOptions {
  /// Goes up the loss from a start within the ball around the inputs.
  func climbed(_ rows: AttackRows, from start: Tensor, _ network: AttackedNetwork) throws -> Tensor
  {
    var x = start
    for _ in 0..<steps {
      let ascent = try network.ascent(at: x, rows.labels, isTargeted: isTargeted)
      let moved = try x + norm.direction(ascent) * stepLength
      x = try network.clipped(rows.pixels + norm.bounded(moved - rows.pixels, epsilon))
    }
    return x
  }
}
