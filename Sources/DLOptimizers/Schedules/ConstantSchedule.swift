/// A learning rate that stays: the multiplier is 1.
public struct ConstantSchedule: Schedule, Hashable {
  /// Makes the schedule.
  public init() {}

  /// `constant`.
  public var name: String { "constant" }

  /// The factor of the base learning rate at a step, counted from 0.
  public func multiplier(step: Int) -> Double { 1 }
}
