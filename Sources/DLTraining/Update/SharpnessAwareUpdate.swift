import DLOptimizers

/// Sharpness-aware minimization: the update goes by the gradient at weights that are moved up the
/// gradient first, and back after.
///
/// Foret and others, "Sharpness-Aware Minimization for Efficiently Improving Generalization" (2021),
/// Algorithm 1.
final class SharpnessAwareUpdate: UpdateStrategy {
  private let phase: PhaseStep
  private let sam: SharpnessAwareness
  let passes = 2

  private init(_ phase: PhaseStep, _ sam: SharpnessAwareness) {
    self.phase = phase
    self.sam = sam
  }

  static func make(for phase: PhaseStep) throws -> SharpnessAwareUpdate? {
    guard let options = phase.optimizer.configuration.sam else { return nil }
    return SharpnessAwareUpdate(
      phase,
      try SharpnessAwareness(
        rho: options.rho, count: phase.optimizer.shards.ownedCount, dtype: phase.run.arena.dtype))
  }

  func update() throws -> Double {
    let loss = try phase.gradient()
    guard try phase.checkedScale(loss: loss) != nil else {
      phase.skip()
      return loss
    }
    try phase.apply(loss: perturbedGradient())
    return loss
  }

  /// The gradient at the perturbed weights; weights and running statistics stay.
  ///
  /// - Returns: the loss there.
  private func perturbedGradient() throws -> Double {
    let buffers = Array(phase.run.arena.bufferBytes)
    let slice = phase.optimizer.state.whole
    sam.ascend(slice)
    defer {
      sam.descend(slice)
      phase.run.arena.bufferBytes.copyBytes(from: buffers)
    }
    return try phase.gradient()
  }
}
