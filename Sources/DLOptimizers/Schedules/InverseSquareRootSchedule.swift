import DLConfiguration

/// A learning rate that falls with the root of the steps, after a warm-up of `warmupSteps` of them.
///
///     multiplier(s) = sqrt(w / (s + 1 + w))        with w = warmupSteps; 1 / sqrt(s + 1) without any
///
/// `WarmupSchedule(steps: w, then: InverseSquareRootSchedule(warmupSteps: w))` is the schedule of
/// Vaswani and others, "Attention Is All You Need" (2017), equation 3 (Noam), with the base rate as
/// its peak: `min(n / w, sqrt(w / n))` at step n from 1.
package struct InverseSquareRootSchedule: Schedule, Hashable {
  /// The length of the warm-up in front; it sets the pace of the fall.
  package let warmupSteps: Int

  package init(warmupSteps: Int) {
    self.warmupSteps = warmupSteps
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    let before = Double(max(warmupSteps, 0))
    return (max(before, 1) / (Double(max(step, 0)) + 1 + before)).squareRoot()
  }
}

/// The options of a rate that falls with the root of the steps.
package struct InverseSquareRootSpec: ScheduleSpec {
  package static var word: String { "inverse_sqrt" }

  package init() {}

  /// Makes the schedule of a run.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    InverseSquareRootSchedule(warmupSteps: run.warmup)
  }
}
