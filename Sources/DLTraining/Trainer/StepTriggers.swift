import DLConfiguration

/// After which steps a run validates and saves, by the configuration and its defaults.
///
/// Unless the configuration says otherwise a run validates after every epoch, and saves then and
/// every 500 steps; it does both after the last step.
struct StepTriggers {
  /// Steps between two checkpoints where the configuration gives no interval.
  static let defaultCheckpointSteps = 500

  private let validate: ValidateConfiguration
  private let checkpoint: CheckpointConfiguration
  private let stepsPerEpoch: Int
  private let totalSteps: Int
  private let hasValidation: Bool

  init(
    _ configuration: Configuration, stepsPerEpoch: Int, totalSteps: Int, hasValidation: Bool
  ) {
    validate = configuration.validate
    checkpoint = configuration.checkpoint
    self.stepsPerEpoch = stepsPerEpoch
    self.totalSteps = totalSteps
    self.hasValidation = hasValidation
  }

  /// Returns whether to validate and to save after `step` steps.
  func due(after step: Int) -> (validation: Bool, checkpoint: Bool) {
    let isEnd = step == totalSteps
    let validatesByDefault = validate.everySteps == nil && validate.everyEpochs == nil
    let validation =
      hasValidation
      && (isEnd
        || isDue(step, validate.everySteps, validatesByDefault ? 1 : validate.everyEpochs))
    guard checkpoint.everySteps == nil, checkpoint.everyEpochs == nil else {
      return (validation, isEnd || isDue(step, checkpoint.everySteps, checkpoint.everyEpochs))
    }
    return (
      validation, isEnd || validation || isDue(step, StepTriggers.defaultCheckpointSteps, nil)
    )
  }

  private func isDue(_ step: Int, _ everySteps: Int?, _ everyEpochs: Int?) -> Bool {
    if let everySteps, step % everySteps == 0 { return true }
    guard let everyEpochs else { return false }
    let (every, overflow) = everyEpochs.multipliedReportingOverflow(by: stepsPerEpoch)
    return !overflow && step % every == 0
  }
}

/// When checkpoints are written, and how many are kept.
package struct CheckpointConfiguration: ConfigurationSection {
  /// After so many steps.
  package var everySteps: Int?
  /// After so many epochs.
  package var everyEpochs: Int?
  /// The newest ones kept, besides the best.
  package var keep = 3

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "every_steps", \.everySteps, .atLeast(1),
        "steps between checkpoints; where neither is given \(StepTriggers.defaultCheckpointSteps), "
          + "and one at each validation"),
      .init("every_epochs", \.everyEpochs, .atLeast(1), "epochs between checkpoints"),
      .init("keep", \.keep, .atLeast(1), "newest checkpoints kept, besides the best"),
    ]
  }
}
