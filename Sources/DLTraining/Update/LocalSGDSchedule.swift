import DLOptimizers

/// When each rank steps by itself, and when the ranks average.
struct LocalSGDSchedule {
  /// Synchronous steps before the first local one.
  let start: Int
  /// Steps between two averagings.
  let period: Int

  init(_ configuration: LocalSGDConfiguration, stepsPerEpoch: Int) {
    start =
      configuration.startSteps
      ?? configuration.startEpochs.map { stepCount(epochs: $0, stepsPerEpoch) } ?? 0
    period = configuration.period
  }

  /// Returns whether a period ends after `step` steps.
  func isDue(afterStep step: Int) -> Bool { step > start && (step - start) % period == 0 }
}
