import DLConfiguration

/// Cosines that start again at the full rate, each `cycleFactor` times as long as the one before it.
///
///     multiplier(s) = endFactor + (1 - endFactor) * (1 + cos(pi * t / T)) / 2
///
/// where t is the step within the cycle and T its length. As `CosineAnnealingWarmRestarts` with
/// `T_0 = firstCycle`, `T_mult = cycleFactor` and `eta_min = endFactor * lr`. Loshchilov and Hutter,
/// "SGDR" (2017), section 3.
package struct CosineRestartSchedule: Schedule, Hashable {
  /// The number of steps of the first cycle; without a positive one the multiplier stays 1.
  package let firstCycle: Int

  /// The growth of a cycle over the one before it; 1 or less for equal cycles.
  package let cycleFactor: Int

  /// The rate at the end of a cycle as a fraction of the base rate.
  package let endFactor: Double

  package init(firstCycle: Int, cycleFactor: Int = 1, endFactor: Double = 0) {
    self.firstCycle = firstCycle
    self.cycleFactor = cycleFactor
    self.endFactor = endFactor
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    guard firstCycle > 0, step > 0 else { return 1 }
    var (length, position) = (firstCycle, step)
    if cycleFactor <= 1 {
      position %= length
    } else {
      while position >= length {
        position -= length
        let (longer, isTooLong) = length.multipliedReportingOverflow(by: cycleFactor)
        length = isTooLong ? .max : longer
      }
    }
    return halfCosine(from: 1, to: endFactor, at: Double(position) / Double(length))
  }
}

/// The options of cosines that start again at the full rate.
package struct CosineRestartSpec: ScheduleSpec {
  package static var word: String { "cosine_restarts" }

  /// The last rate as a fraction of the base rate.
  package var endFactor = 0.0
  /// Steps of the first cycle.
  package var firstCycle: Int?
  /// Epochs of the first cycle, instead of steps.
  package var firstCycleEpochs: Double?
  /// The growth of a cycle over the one before it.
  package var cycleFactor = 1

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "end_factor", \.endFactor, .within(0...1),
        "last rate of a cycle (eta_min) as a fraction of lr"),
      .init("t_0", \.firstCycle, .atLeast(1), "steps of the first cycle"),
      .init("t_0_epochs", \.firstCycleEpochs, .above(0), "epochs of the first cycle"),
      .init("t_mult", \.cycleFactor, .atLeast(1), "growth of a cycle over the one before it"),
    ]
  }

  /// The length is given in one unit.
  package static var alternatives: [[String]] { [["t_0_epochs", "t_0"]] }

  /// A fault unless the length is given in one unit.
  package func problems() -> [ConfigurationProblem] {
    Self.oneOf("t_0_epochs", "t_0", isOne: (firstCycleEpochs == nil) != (firstCycle == nil))
  }

  /// Makes the schedule of a run.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    CosineRestartSchedule(
      firstCycle: max(firstCycle ?? firstCycleEpochs.map(run.steps) ?? run.remaining, 1),
      cycleFactor: cycleFactor, endFactor: endFactor)
  }
}
