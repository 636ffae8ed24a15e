/// A linear warm-up in front of a schedule, which then runs from its own step 0.
///
///     multiplier(s) = (s + 1) / steps       for s < steps
///                   = next(s - steps)       from there on
///
/// A schedule with an end of its own is made for the steps that remain:
/// `WarmupSchedule(steps: w, then: CosineSchedule(steps: total - w))`.
package struct WarmupSchedule: Schedule {
  /// The length of the warm-up; 0 or less is none.
  package let steps: Int

  /// The schedule behind the warmup.
  package let next: any Schedule

  package init(steps: Int, then next: any Schedule) {
    self.steps = steps
    self.next = next
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    let length = max(steps, 0)
    let current = max(step, 0)
    guard current < length else { return next.multiplier(step: current - length) }
    return Double(current + 1) / Double(length)
  }
}
