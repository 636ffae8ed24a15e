import DLOptimizers
import Foundation
import Testing

@Suite struct ScheduleTests {
  @Test func constantStays() {
    for step in [Int.min, -1, 0, 1, Int.max] {
      #expect(ConstantSchedule().multiplier(step: step) == 1)
    }
  }

  @Test func stepDropsEveryNSteps() {
    let schedule = StepSchedule(every: 3, gamma: 0.5)
    #expect((0..<9).map(schedule.multiplier) == [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25])
  }

  @Test func cosineFallsFromOneToZero() {
    let schedule = CosineSchedule(steps: 200)
    #expect(schedule.multiplier(step: 0) == 1)
    #expect(abs(schedule.multiplier(step: 100) - 0.5) < 1e-15)
    #expect(schedule.multiplier(step: 200) == 0)
    // PyTorch's chained recurrence is another way to the same curve.
    var chained = 1.0
    for step in 1..<200 {
      let (now, before) = (Double(step), Double(step - 1))
      chained *= (1 + cos(.pi * now / 200)) / (1 + cos(.pi * before / 200))
      #expect(abs(schedule.multiplier(step: step) - chained) <= 1e-9 * chained)
      #expect(schedule.multiplier(step: step) < schedule.multiplier(step: step - 1))
    }
  }

  @Test func warmupRisesAndThenTheScheduleBeginsAtItsStepZero() {
    let next = StepSchedule(every: 2, gamma: 0.1)
    let schedule = WarmupSchedule(steps: 4, then: next)
    #expect((0..<4).map(schedule.multiplier) == [0.25, 0.5, 0.75, 1])
    for step in 4..<20 {
      #expect(schedule.multiplier(step: step) == next.multiplier(step: step - 4))
    }
    #expect(schedule.name == "step")
  }

  @Test(arguments: [Int.min, -7, 0, 1, 2, Int.max])
  func everyIntegerIsDefined(length: Int) {
    let plain: [any Schedule] = [
      ConstantSchedule(), StepSchedule(every: length, gamma: 0.1), CosineSchedule(steps: length),
    ]
    let all = plain + plain.map { WarmupSchedule(steps: length, then: $0) }
    for schedule in all {
      for step in [Int.min, -1, 0, 1, 2, 3, Int.max - 1, Int.max] {
        let multiplier = schedule.multiplier(step: step)
        #expect(multiplier >= 0 && multiplier <= 1)
      }
    }
  }

  @Test func clippingFollowsPyTorch() {
    #expect(GradientClipping.scale(norm: 0.5, maxNorm: 1) == 1)
    #expect(GradientClipping.scale(norm: 0, maxNorm: 1) == 1)
    #expect(GradientClipping.scale(norm: 1, maxNorm: 1) == 1 / (1 + 1e-6))
    #expect(GradientClipping.scale(norm: 4, maxNorm: 1) == 1 / (4 + 1e-6))
    #expect(GradientClipping.scale(norm: .infinity, maxNorm: 1) == 0)
    #expect(GradientClipping.scale(norm: .nan, maxNorm: 1).isNaN)
  }
}
