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

  @Test func schedulesWithAnEndStayThere() {
    for step in [100, 101, 5000] {
      #expect(CosineSchedule(steps: 100, endFactor: 0.25).multiplier(step: step) == 0.25)
      #expect(PolynomialSchedule(steps: 100, endFactor: 0.25).multiplier(step: step) == 0.25)
      let last = OneCycleSchedule(steps: 100, divFactor: 4, finalDivFactor: 8)
      #expect(last.multiplier(step: step) == 1 / 32.0)
    }
  }

  @Test func aCycleBeginsAtTheFullRate() {
    let schedule = CosineRestartSchedule(firstCycle: 3, cycleFactor: 2, endFactor: 0.1)
    let full = (0..<100).filter { schedule.multiplier(step: $0) == 1 }
    #expect(full == [0, 3, 9, 21, 45, 93])
  }

  @Test func oneCyclePeaksAtTheBaseRate() {
    let schedule = OneCycleSchedule(steps: 100, pctStart: 0.3)
    #expect(abs(schedule.multiplier(step: 0) - 1 / 25.0) < 1e-15)
    #expect(schedule.multiplier(step: 29) == 1)
    for step in 1..<100 {
      let rises = schedule.multiplier(step: step) > schedule.multiplier(step: step - 1)
      #expect(rises == (step <= 29))
    }
  }

  @Test func oneCycleMayPeakAtItsFirstStep() {
    #expect(OneCycleSchedule(steps: 2, pctStart: 0.5).multiplier(step: 0) == 1)
    #expect(OneCycleSchedule(steps: 1, pctStart: 1).multiplier(step: 0) == 1)
  }

  @Test func noamIsAWarmupBeforeAnInverseSquareRoot() {
    for warmup in [1, 4, 50] {
      let schedule = WarmupSchedule(
        steps: warmup, then: InverseSquareRootSchedule(warmupSteps: warmup))
      for step in 0..<200 {
        let (n, w) = (Double(step + 1), Double(warmup))
        let noam = w.squareRoot() * min(pow(n, -0.5), n * pow(w, -1.5))
        #expect(abs(schedule.multiplier(step: step) - noam) < 1e-14)
      }
    }
  }

  @Test func warmupRisesAndThenTheScheduleBeginsAtItsStepZero() {
    let next = StepSchedule(every: 2, gamma: 0.1)
    let schedule = WarmupSchedule(steps: 4, then: next)
    #expect((0..<4).map(schedule.multiplier) == [0.25, 0.5, 0.75, 1])
    for step in 4..<20 {
      #expect(schedule.multiplier(step: step) == next.multiplier(step: step - 4))
    }
  }

  @Test(arguments: [Int.min, -7, 0, 1, 2, Int.max])
  func everyIntegerIsDefined(length: Int) {
    let plain: [any Schedule] = [
      ConstantSchedule(), StepSchedule(every: length, gamma: 0.1), CosineSchedule(steps: length),
      CosineSchedule(steps: length, endFactor: 0.3),
      CosineRestartSchedule(firstCycle: length, cycleFactor: 1),
      CosineRestartSchedule(firstCycle: length, cycleFactor: 3, endFactor: 0.1),
      CosineRestartSchedule(firstCycle: 7, cycleFactor: length),
      MultiStepSchedule(milestones: [3, length, 1]),
      ExponentialSchedule(every: length, gamma: 0.5),
      PolynomialSchedule(steps: length, power: 0.5, endFactor: 0.1),
      InverseSquareRootSchedule(warmupSteps: length),
      OneCycleSchedule(steps: length), OneCycleSchedule(steps: length, pctStart: 0),
      OneCycleSchedule(steps: length, pctStart: 0.5), OneCycleSchedule(steps: length, pctStart: 1),
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
