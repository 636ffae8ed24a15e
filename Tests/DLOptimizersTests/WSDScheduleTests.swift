import DLOptimizers
import Foundation
import Testing

/// Warm-up, stable, decay: against schedules that are compared with PyTorch's, and numbers by hand.
@Suite struct WSDScheduleTests {
  /// The end is a whole line or cosine over the last steps.
  @Test(arguments: [0.0, 0.25])
  func decaysAreThoseOfOtherSchedules(endFactor: Double) {
    let line = WSDSchedule(steps: 100, decaySteps: 20, endFactor: endFactor)
    let wave = WSDSchedule(steps: 100, decaySteps: 20, decay: .cosine, endFactor: endFactor)
    let others: [(WSDSchedule, any Schedule)] = [
      (line, PolynomialSchedule(steps: 20, endFactor: endFactor)),
      (wave, CosineSchedule(steps: 20, endFactor: endFactor)),
    ]
    for (schedule, other) in others {
      for step in -3..<130 {
        #expect(abs(schedule.multiplier(step: step) - other.multiplier(step: step - 80)) < 1e-15)
      }
    }
  }

  @Test func theRootFallsFast() {
    let schedule = WSDSchedule(steps: 50, decaySteps: 16, decay: .sqrt)
    let steps = [0, 34, 35, 38, 43, 50, 60]
    #expect(steps.map(schedule.multiplier) == [1, 1, 0.75, 0.5, 0.25, 0, 0])
  }

  @Test func anEndOfNoStepsAndOneLongerThanTheRunAreDefined() {
    let none = WSDSchedule(steps: 10, decaySteps: 0, endFactor: 0.5)
    #expect([0, 9, 10].map(none.multiplier) == [1, 1, 0.5])
    let long = WSDSchedule(steps: 10, decaySteps: 20)
    #expect([0, 5, 10].map(long.multiplier) == [0.5, 0.25, 0])
  }

  /// A tenth of the steps behind the warm-up falls unless told.
  @Test func optionsReachTheSchedule() {
    let run = ScheduleSpan(warmup: 5, remaining: 40, stepsPerEpoch: 10)
    var spec = WSDSpec()
    #expect(spec.makeSchedule(over: run) as? WSDSchedule == WSDSchedule(steps: 40, decaySteps: 4))
    spec.decaySteps = 7
    spec.decayType = .sqrt
    spec.endFactor = 0.1
    #expect(
      spec.makeSchedule(over: run) as? WSDSchedule
        == WSDSchedule(steps: 40, decaySteps: 7, decay: .sqrt, endFactor: 0.1))
  }
}
