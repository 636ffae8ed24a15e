/// A schedule whose every rate is multiplied by one factor, as by the linear scaling rule.
///
///     multiplier(s) = factor * next(s)
///
/// Goyal and others, "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour" (2017), section
/// 2.1: a batch of k times the rows takes k times the rate.
package struct ScaledSchedule: Schedule {
  /// The factor of every rate.
  package let factor: Double

  /// The schedule before.
  package let next: any Schedule

  package init(_ next: any Schedule, factor: Double) {
    self.next = next
    self.factor = factor
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double { factor * next.multiplier(step: step) }
}
