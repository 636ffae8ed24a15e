import DLTensor
import Foundation

/// A schedule that gives way to a constant rate, as weight averaging asks for.
///
///     multiplier(s) = next(s)                                            for s <= start
///                   = factor + (next(start) - factor) * (1 + cos(pi * t)) / 2,
///                     t = min(1, (s - start) / steps)                    from there on
///
/// As `torch.optim.swa_utils.SWALR` with the cosine strategy. Izmailov and others (2018), section
/// 3.1.
package struct AveragingSchedule: Schedule {
  /// The schedule before the averaging.
  package let base: any Schedule

  /// The step after which the rate moves.
  package let start: Int

  /// The last rate as a fraction of the base rate.
  package let factor: Double

  /// The steps of the way; 0 or less for a jump.
  package let steps: Int

  package init(_ base: any Schedule, start: Int, factor: Double, steps: Int) {
    self.base = base
    self.start = start
    self.factor = factor
    self.steps = steps
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    let (done, overflow) = step.subtractingReportingOverflow(start)
    guard overflow ? step > 0 : done > 0 else { return base.multiplier(step: step) }
    guard !overflow, done < steps else { return factor }
    let fall = (1 + PortableMath.cos(Double.pi * Double(done) / Double(steps))) / 2
    return factor + (base.multiplier(step: start) - factor) * fall
  }
}
