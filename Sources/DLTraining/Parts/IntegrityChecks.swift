import DLCluster
import DLConfiguration

/// The checks against memory that changes though nothing of the program writes to it (`integrity:`).
final class IntegrityChecks: TrainerPart {
  private let run: TrainingRun
  private let settings: IntegrityConfiguration
  /// Compares the ranks' copies of parameters and buffers; nil where nobody wants it.
  private var comparison: CopyComparison?

  private init(_ run: TrainingRun) {
    self.run = run
    settings = run.configuration.integrity
    if settings.checkUpdates {
      for optimizer in run.optimizers { optimizer.watchMemory(run.arena) }
    }
  }

  static func make(for run: TrainingRun) -> IntegrityChecks? { IntegrityChecks(run) }

  /// Takes parameters and state as they are, once they are initialized or loaded, and compares the
  /// ranks' copies.
  func willTrain() throws {
    for optimizer in run.optimizers { optimizer.renewChecksums() }
    guard settings.compareEverySteps != nil else { return }
    comparison = try CopyComparison(
      run.arena, run.communicator, comparesBuffers: run.configuration.syncBatchNorm)
    try comparison?.check(step: run.position.step)
  }

  /// Checks everything where it is time to, before an update overwrites what it should have found.
  func willStep() throws {
    let step = run.position.step + 1
    guard let every = settings.compareEverySteps, step.isMultiple(of: every), !run.stepsLocally
    else { return }
    try run.local { try verifyShards(step: step) }
    try comparison?.check(step: step)
  }

  /// Checks all that a checkpoint is made of.
  func willSave() throws { try verify(step: run.position.step, comparesCopies: true) }

  /// Between averagings ranks differ by right.
  func suspectMemory() throws {
    try verify(step: run.position.step + 1, comparesCopies: !run.stepsLocally)
  }

  private func verify(step: Int, comparesCopies: Bool) throws {
    if settings.checkUpdates {
      try run.communicator.agreed("check the state") { try verifyShards(step: step) }
    }
    if comparesCopies { try comparison?.check(step: step) }
  }

  /// Checks this rank's shards of parameters and state, frozen ones too.
  private func verifyShards(step: Int) throws {
    for optimizer in run.optimizers {
      optimizer.verifyChecksums()
      try optimizer.throwCorruption(step: step, run.arena)
    }
  }
}

/// The checks against silent changes of memory.
package struct IntegrityConfiguration: ConfigurationSection {
  /// True if each update checks the parameters and the optimizer state that it reads.
  package var checkUpdates = true
  /// Steps between comparisons of the copies of parameters and buffers; nil for none at all.
  package var compareEverySteps: Int? = 100

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "check_updates", \.checkUpdates,
        "each update checks the parameters and the optimizer state that it reads"),
      .init(
        "compare_every_steps", \.compareEverySteps, .atLeast(1),
        "steps between comparisons of the ranks' copies; null for none"),
    ]
  }
}
