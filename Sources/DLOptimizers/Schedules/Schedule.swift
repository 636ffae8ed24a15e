/// The course of the learning rate: a pure function of the step.
public protocol Schedule: Sendable {
  /// The factor of the base learning rate at a step, counted from 0; defined for every integer.
  func multiplier(step: Int) -> Double
}
