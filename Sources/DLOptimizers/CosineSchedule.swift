import Foundation

/// A learning rate that falls to zero along half a cosine: `(1 + cos(pi * step / steps)) / 2`.
///
/// As `CosineAnnealingLR` with `T_max = steps` and `eta_min = 0`, except that it stays 0 from its
/// end on, where PyTorch's rises again. Loshchilov and Hutter, "SGDR" (2017), equation 5.
public struct CosineSchedule: Schedule, Hashable {
  /// The number of steps after which the rate is 0.
  public let steps: Int

  /// Makes the schedule.
  public init(steps: Int) {
    self.steps = steps
  }

  /// `cosine`.
  public var name: String { "cosine" }

  /// The factor of the base learning rate at a step, counted from 0.
  public func multiplier(step: Int) -> Double {
    guard step < steps else { return 0 }
    guard step > 0 else { return 1 }
    return (1 + cos(Double.pi * (Double(step) / Double(steps)))) / 2
  }
}
