import DLConfiguration

/// A learning rate that stays: the multiplier is 1.
package struct ConstantSchedule: Schedule, Hashable {
  package init() {}

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double { 1 }
}

/// The options of a constant rate.
package struct ConstantSpec: ScheduleSpec {
  package static var word: String { "constant" }

  package init() {}

  /// Makes the schedule of a run.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    ConstantSchedule()
  }
}
