/// Steps that come at the same distance from each other: `start + every`, `start + 2 every` and so on.
struct PeriodicSteps: Sendable {
  /// Steps before the first period.
  let start: Int
  /// The length of a period.
  let every: Int

  /// Returns whether a period ends after `step` steps.
  func isDue(afterStep step: Int) -> Bool { step > start && (step - start) % every == 0 }
}
