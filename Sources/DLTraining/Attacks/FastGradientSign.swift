import DLTensor

/// One step of length epsilon along the sign of the loss's gradient, or along the gradient itself.
///
///     x' = x + epsilon · sign(∇ loss)
///
/// Goodfellow et al. 2015, "Explaining and Harnessing Adversarial Examples"; the step along the
/// gradient is Miyato et al.'s (2017).
package struct FastGradientSign: Attack {
  package static let word = "fgsm"
  package static let defaultSteps = 1
  package static let knownOptions: Set<AttackOption> = []
  let options: AttackOptions

  package init(_ options: AttackOptions) { self.options = options }

  package func perturbed(_ rows: AttackRows, _ network: AttackedNetwork) throws -> Tensor {
    let ascent = try network.ascent(
      at: rows.pixels, rows.labels, isTargeted: options.isTargeted)
    return try network.clipped(
      rows.pixels + options.norm.direction(ascent) * options.epsilon)
  }
}
