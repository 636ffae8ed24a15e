import DLCluster
import DLFormats
import DLOptimizers

/// A step of L-BFGS on the step's batch, which should be all rows: several gradients at points of its
/// own choice, each of them over all ranks.
final class LBFGSUpdate: UpdateStrategy {
  private let phase: PhaseStep
  private let lbfgs: LBFGS

  private init(_ phase: PhaseStep, _ lbfgs: LBFGS) {
    self.phase = phase
    self.lbfgs = lbfgs
    phase.optimizer.state.add { [lbfgs] in lbfgs.savedVectors }
  }

  static func make(for phase: PhaseStep) throws -> LBFGSUpdate? {
    let configuration = phase.optimizer.configuration
    guard let spec = configuration.spec as? LBFGSSpec else { return nil }
    return LBFGSUpdate(
      phase,
      try LBFGS(
        spec.options(learningRate: configuration.lr), count: phase.optimizer.shards.ownedCount,
        dtype: phase.run.arena.dtype))
  }

  func update() throws -> Double {
    let (run, optimizer) = (phase.run, phase.optimizer)
    return try run.clock.measure(.optimizer) {
      var isFirst = true
      optimizer.verifyChecksums()
      try phase.reportCorruption()
      do {
        let loss = try lbfgs.step(optimizer.state.whole, rate: phase.multiplier) {
          let loss = try phase.gradient()
          // Further on a line search may look at points where nothing is finite, and comes back.
          guard isFirst else { return loss }
          isFirst = false
          guard try phase.checkedScale(loss: loss) != nil else { throw SkippedStep(loss: loss) }
          optimizer.willUpdate()
          return loss
        }
        optimizer.renewChecksums()
        phase.noteUpdate()
        return loss
      } catch let skipped as SkippedStep {
        phase.skip()
        return skipped.loss
      }
    }
  }

  private var key: String { "lbfgs_\(phase.index)" }

  var notes: [String: String] { [key: CheckpointNumbers.text(lbfgs.savedNumbers)] }

  /// Makes room for the vectors that belong to the numbers, which the optimizer's state reads then.
  func restoreNotes(from file: SafetensorsFile) throws {
    try lbfgs.restore(CheckpointNumbers.read(key, from: file))
  }
}

/// Ends a step of L-BFGS before it has moved anything.
private struct SkippedStep: Error {
  let loss: Double
}
