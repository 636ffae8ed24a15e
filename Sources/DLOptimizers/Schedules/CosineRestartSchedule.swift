/// Cosines that start again at the full rate, each `cycleFactor` times as long as the one before it.
///
///     multiplier(s) = endFactor + (1 - endFactor) * (1 + cos(pi * t / T)) / 2
///
/// where t is the step within the cycle and T its length. As `CosineAnnealingWarmRestarts` with
/// `T_0 = firstCycle`, `T_mult = cycleFactor` and `eta_min = endFactor * lr`. Loshchilov and Hutter,
/// "SGDR" (2017), section 3.
public struct CosineRestartSchedule: Schedule, Hashable {
  /// The number of steps of the first cycle; without a positive one the multiplier stays 1.
  public let firstCycle: Int

  /// The growth of a cycle over the one before it; 1 or less for equal cycles.
  public let cycleFactor: Int

  /// The rate at the end of a cycle as a fraction of the base rate.
  public let endFactor: Double

  /// Makes the schedule.
  public init(firstCycle: Int, cycleFactor: Int = 1, endFactor: Double = 0) {
    self.firstCycle = firstCycle
    self.cycleFactor = cycleFactor
    self.endFactor = endFactor
  }

  /// `cosine_restarts`.
  public var name: String { "cosine_restarts" }

  /// The factor of the base learning rate at a step, counted from 0.
  public func multiplier(step: Int) -> Double {
    guard firstCycle > 0, step > 0 else { return 1 }
    var (length, position) = (firstCycle, step)
    if cycleFactor <= 1 {
      position %= length
    } else {
      while position >= length {
        position -= length
        let (longer, isTooLong) = length.multipliedReportingOverflow(by: cycleFactor)
        length = isTooLong ? .max : longer
      }
    }
    return cosine(from: 1, to: endFactor, at: Double(position) / Double(length))
  }
}
