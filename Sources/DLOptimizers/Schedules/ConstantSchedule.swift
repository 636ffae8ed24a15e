import DLConfiguration

/// A learning rate that stays: the multiplier is 1.
public struct ConstantSchedule: Schedule, Hashable {
  /// Makes the schedule.
  public init() {}

  /// The factor of the base learning rate at a step, counted from 0.
  public func multiplier(step: Int) -> Double { 1 }
}

/// The options of a constant rate.
package struct ConstantSpec: ScheduleSpec {
  /// The name as written in `schedule`.
  package static var word: String { "constant" }

  /// Makes the options with their defaults.
  package init() {}

  /// Makes the schedule of a run.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    ConstantSchedule()
  }
}
