import DLTensor
import DLConfiguration
import Foundation

/// A learning rate that falls along half a cosine.
///
///     multiplier(s) = endFactor + (1 - endFactor) * (1 + cos(pi * s / steps)) / 2
///
/// As `CosineAnnealingLR` with `T_max = steps` and `eta_min = endFactor * lr`, except that it stays
/// at its end, where PyTorch's rises again. Loshchilov and Hutter, "SGDR" (2017), equation 5.
package struct CosineSchedule: Schedule, Hashable {
  /// The number of steps after which the rate is at its end.
  package let steps: Int

  /// The last rate as a fraction of the base rate.
  package let endFactor: Double

  package init(steps: Int, endFactor: Double = 0) {
    self.steps = steps
    self.endFactor = endFactor
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    guard step < steps else { return endFactor }
    guard step > 0 else { return 1 }
    return halfCosine(from: 1, to: endFactor, at: Double(step) / Double(steps))
  }
}

/// The value at `position`, from 0 to 1, of half a cosine from one level to another.
func halfCosine(from start: Double, to end: Double, at position: Double) -> Double {
  end + (start - end) * ((1 + PortableMath.cos(Double.pi * position)) / 2)
}

/// The options of a rate that falls along half a cosine.
package struct CosineSpec: ScheduleSpec {
  package static var word: String { "cosine" }

  /// The last rate as a fraction of the base rate.
  package var endFactor = 0.0

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("end_factor", \.endFactor, .within(0...1), "last rate (eta_min) as a fraction of lr")
    ]
  }

  /// Makes the schedule of a run.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    CosineSchedule(steps: run.remaining, endFactor: endFactor)
  }
}
