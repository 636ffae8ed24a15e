import DLTensor
import Foundation

/// A learning rate that falls steadily: `gamma^(step / every)`, as `ExponentialLR` where `every` is
/// 1.
///
/// Without a positive interval the multiplier stays 1, as it does before step 0.
package struct ExponentialSchedule: GammaSchedule, Hashable {
  package static var word: String { "exponential" }

  /// The number of steps over which the rate falls by gamma.
  package let every: Int

  /// The factor over that many steps.
  package let gamma: Double

  package init(every: Int = 1, gamma: Double) {
    self.every = every
    self.gamma = gamma
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    guard every > 0, step > 0 else { return 1 }
    return PortableMath.pow(gamma, Double(step) / Double(every))
  }
}

/// The options of a rate that falls steadily.
package typealias ExponentialSpec = GammaSpec<ExponentialSchedule>
