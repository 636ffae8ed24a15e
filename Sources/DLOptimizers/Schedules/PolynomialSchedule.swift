import DLTensor
import DLConfiguration
import Foundation

/// A learning rate that falls to its end as a power of the steps that remain.
///
///     multiplier(s) = endFactor + (1 - endFactor) * (1 - s / steps)^power
///
/// As `PolynomialLR` with `total_iters = steps` where the end is 0, and `LinearLR` where the power is
/// 1; it stays at its end.
package struct PolynomialSchedule: Schedule, Hashable {
  /// The number of steps after which the rate is at its end.
  package let steps: Int

  /// The exponent: 1 for a straight line.
  package let power: Double

  /// The last rate as a fraction of the base rate.
  package let endFactor: Double

  package init(steps: Int, power: Double = 1, endFactor: Double = 0) {
    self.steps = steps
    self.power = power
    self.endFactor = endFactor
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    guard step < steps else { return endFactor }
    guard step > 0 else { return 1 }
    return endFactor + (1 - endFactor) * PortableMath.pow(1 - Double(step) / Double(steps), power)
  }
}

/// The options of a rate that falls as a power of the remaining steps.
package struct PolynomialSpec: ScheduleSpec {
  package static var word: String { "polynomial" }

  /// The exponent: 1 for a straight line.
  package var power = 1.0
  /// The last rate as a fraction of the base rate.
  package var endFactor = 0.0

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("power", \.power, .above(0), "exponent"),
      .init(
        "end_factor", \.endFactor, .within(0...1),
        "last rate (eta_min) as a fraction of lr, the least one (min_lr) of reduce_on_plateau"),
    ]
  }

  /// Makes the schedule of a run.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    PolynomialSchedule(steps: run.remaining, power: power, endFactor: endFactor)
  }
}
