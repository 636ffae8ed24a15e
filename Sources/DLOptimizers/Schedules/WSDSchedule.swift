import DLConfiguration

/// A learning rate that stays for most of the run and falls at its end: warm-up, stable, decay.
///
///     multiplier(s) = 1                                          for s < steps - decaySteps
///                   = endFactor + (1 - endFactor) * f(t),        t = (s - steps + decaySteps) / decaySteps
///     f(t) = 1 - t, (1 + cos(pi * t)) / 2 or 1 - sqrt(t)
///
/// Hu and others, "MiniCPM" (2024), section 4.2; the root is that of Hägele and others, "Scaling Laws
/// and Compute-Optimal Training Beyond Fixed Training Durations" (2024). The rate stays at its end.
package struct WSDSchedule: Schedule, Hashable {
  /// The course of a decay.
  package enum Decay: String, ConfigurationWord {
    /// A straight line.
    case linear
    /// Half a cosine.
    case cosine
    /// One less the root of the part that is done.
    case sqrt = "1-sqrt"
  }

  /// The number of steps after which the rate is at its end.
  package let steps: Int

  /// The last steps, in which the rate falls.
  package let decaySteps: Int

  /// The course of the fall.
  package let decay: Decay

  /// The last rate as a fraction of the base rate.
  package let endFactor: Double

  package init(steps: Int, decaySteps: Int, decay: Decay = .linear, endFactor: Double = 0) {
    self.steps = steps
    self.decaySteps = decaySteps
    self.decay = decay
    self.endFactor = endFactor
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    guard step < steps else { return endFactor }
    let length = Double(decaySteps)
    let done = (Double(step) - (Double(steps) - length)) / length
    guard decaySteps > 0, done > 0 else { return 1 }
    switch decay {
    case .linear: return endFactor + (1 - endFactor) * (1 - done)
    case .cosine: return halfCosine(from: 1, to: endFactor, at: done)
    case .sqrt: return endFactor + (1 - endFactor) * (1 - done.squareRoot())
    }
  }
}

/// The options of a rate that stays for most of the run and falls at its end.
package struct WSDSpec: ScheduleSpec {
  package static var word: String { "wsd" }

  /// The last steps, in which the rate falls; a tenth of those behind the warm-up where nil.
  package var decaySteps: Int?
  /// The course of the fall.
  package var decayType = WSDSchedule.Decay.linear
  /// The last rate as a fraction of the base rate.
  package var endFactor = 0.0

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "decay_steps", \.decaySteps, .atLeast(0),
        "last steps, in which the rate falls; a tenth of those behind the warm-up unless given"),
      .init("decay_type", \.decayType, "course of the fall: linear, cosine or 1-sqrt"),
      .init("end_factor", \.endFactor, .within(0...1), "last rate as a fraction of lr"),
    ]
  }

  /// Makes the schedule of a run.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    WSDSchedule(
      steps: run.remaining, decaySteps: decaySteps ?? run.remaining / 10, decay: decayType,
      endFactor: endFactor)
  }
}
