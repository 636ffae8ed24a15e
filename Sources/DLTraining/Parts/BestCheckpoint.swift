/// The keeping of the best checkpoint: the one with the best value of the monitored metric stays,
/// whatever its age.
final class BestCheckpoint: TrainerPart {
  private let run: TrainingRun

  private init(_ run: TrainingRun) { self.run = run }

  static func make(for run: TrainingRun) -> BestCheckpoint? {
    run.data.validation == nil ? nil : BestCheckpoint(run)
  }

  /// Keeps the best, of equals the first; a value that is no number never is.
  func didValidate(_ report: ValidationReport) {
    let monitored = run.configuration.validate.monitored(in: report)
    guard let value = monitored.value, !value.isNaN else { return }
    let isBetter =
      run.position.best.map { monitored.higherIsBetter ? value > $0.value : value < $0.value }
      ?? true
    if isBetter { run.position.best = .init(step: report.step, value: value) }
  }
}
