import DLConfiguration
import DLFormats
import DLOptimizers

/// The reduction of the learning rate where validations stop improving (`schedule.name:
/// reduce_on_plateau`).
final class ReduceOnPlateau: TrainerPart {
  private let run: TrainingRun
  private var plateau: PlateauReduction

  private init(_ run: TrainingRun, _ plateau: PlateauReduction) {
    self.run = run
    self.plateau = plateau
  }

  static func make(for run: TrainingRun) throws -> ReduceOnPlateau? {
    try run.communicator.agreed("set the schedule up") {
      try run.configuration.schedule.makePlateauReduction().map { ReduceOnPlateau(run, $0) }
    }
  }

  var learningRateFactor: Double { plateau.multiplier }

  func didValidate(_ report: ValidationReport) {
    let validate = run.configuration.validate
    let byMetric = run.configuration.schedule.monitor == .metric
    let metric =
      validate.monitor != nil
      ? validate.monitored(in: report) : byMetric ? report.main : report.lossMetric
    guard let value = metric.value else { return }
    plateau.mode = metric.higherIsBetter ? .maximum : .minimum
    plateau.observe(value)
  }

  private static let key = "plateau"

  var notes: [String: String] {
    [
      ReduceOnPlateau.key: CheckpointNumbers.text([
        "multiplier": plateau.multiplier, "best": plateau.best ?? .nan,
        "bad": Double(plateau.badCount), "cooldown": Double(plateau.cooldownCount),
      ])
    ]
  }

  func restoreNotes(from file: SafetensorsFile) throws {
    let saved = try CheckpointNumbers.read(ReduceOnPlateau.key, from: file)
    func count(_ key: String) -> Int { saved[key].flatMap { Int(exactly: $0) } ?? 0 }
    plateau.multiplier = saved["multiplier"] ?? 1
    plateau.best = saved["best"].flatMap { $0.isNaN ? nil : $0 }
    plateau.badCount = count("bad")
    plateau.cooldownCount = count("cooldown")
  }
}

extension ScheduleConfiguration {
  var demands: [Demand] {
    guard goesByValidation else { return [] }
    return [Demand(key: "schedule", name: name.rawValue, needs: [.validation])]
  }
}
