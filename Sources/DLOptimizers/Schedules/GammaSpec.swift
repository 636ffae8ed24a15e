import DLConfiguration

/// A schedule of a rate that falls by one factor over one number of steps, again and again.
package protocol GammaSchedule: Schedule {
  /// The name in `schedule`.
  static var word: String { get }
  /// Makes the schedule of a rate that falls by `gamma` over `every` steps.
  init(every: Int, gamma: Double)
}

/// The options of a rate that falls by one factor over one number of steps.
package struct GammaSpec<Falling: GammaSchedule>: ScheduleSpec {
  package static var word: String { Falling.word }

  /// Epochs between two factors of gamma.
  package var stepEpochs: Double?
  /// Steps between two factors of gamma, instead of epochs.
  package var stepSize: Int?
  /// The factor of a drop.
  package var gamma = 0.1

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("step_epochs", \.stepEpochs, .above(0), "epochs between two factors of gamma"),
      .init("step_size", \.stepSize, .atLeast(1), "steps between two factors of gamma"),
      .init("gamma", \.gamma, .above(0), "factor of a drop"),
    ]
  }

  /// The length is given in one unit.
  package static var alternatives: [[String]] { [["step_epochs", "step_size"]] }

  /// A fault unless the length is given in one unit.
  package func problems() -> [ConfigurationProblem] {
    Self.oneOf("step_epochs", "step_size", isOne: (stepEpochs == nil) != (stepSize == nil))
  }

  /// Makes the schedule of a run.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    let every = max(stepSize ?? stepEpochs.map(run.steps) ?? run.remaining, 1)
    return Falling(every: every, gamma: gamma)
  }
}
