/// The end of a run whose validations stop improving (`validate.patience`).
final class EarlyStopping: TrainerPart {
  private let run: TrainingRun
  private let patience: Int
  private(set) var endsRun = false

  private init(_ run: TrainingRun, patience: Int) {
    self.run = run
    self.patience = patience
  }

  static func make(for run: TrainingRun) -> EarlyStopping? {
    run.configuration.validate.patience.map { EarlyStopping(run, patience: $0) }
  }

  func willTrain() { endsRun = isOutOfPatience }

  func didValidate(_ report: ValidationReport) { endsRun = isOutOfPatience }

  /// True if as many validations as `validate.patience` have passed since the best one, or since
  /// the beginning where none was a best.
  ///
  /// It follows from the position alone, so that a resumed run ends where the first one would have.
  private var isOutOfPatience: Bool {
    let step = run.position.step
    let since = min(run.position.best?.step ?? 0, step)
    let validations = (since..<step).lazy.map { $0 + 1 }.filter {
      self.run.triggers.due(after: $0).validation
    }
    return validations.prefix(patience).count == patience
  }
}
