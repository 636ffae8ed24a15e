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
    try phase.search(keepsStatistics: true) { gradient in
      try lbfgs.step(phase.optimizer.state.whole, rate: phase.multiplier, closure: gradient)
    }
  }

  private var key: String { "lbfgs_\(phase.index)" }

  var notes: [String: String] { [key: CheckpointNumbers.text(lbfgs.savedNumbers)] }

  /// Makes room for the vectors that belong to the numbers, which the optimizer's state reads then.
  func restoreNotes(from file: SafetensorsFile) throws {
    try lbfgs.restore(CheckpointNumbers.read(key, from: file))
  }
}
