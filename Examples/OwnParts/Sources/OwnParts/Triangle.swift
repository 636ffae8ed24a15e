import DLTrain

/// A schedule: the rate rises to its peak half-way and falls back, as often as `cycles` says.
///
/// Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), the triangular policy.
struct Triangle: Schedule {
  let length: Int

  func multiplier(step: Int) -> Double {
    let phase = Double(step % length) / Double(length)
    return phase < 0.5 ? 2 * phase : 2 - 2 * phase
  }
}

/// Its name and options: `schedule: {name: triangle, cycles: 2}`.
struct TriangleSpec: ScheduleSpec {
  static var word: String { "triangle" }
  var cycles = 1
  static var fields: [ConfigurationField<Self>] {
    [.init("cycles", \.cycles, .atLeast(1), "rises and falls over the run")]
  }

  func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    Triangle(length: max(run.remaining / cycles, 2))
  }
}
