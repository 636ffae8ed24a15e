import DLTensor
import Foundation

/// A learning rate that drops every N steps: `gamma^floor(step / every)`, as `StepLR`.
///
/// Without a positive interval the multiplier stays 1, as it does before step 0.
package struct StepSchedule: GammaSchedule, Hashable {
  package static var word: String { "step" }

  /// The number of steps between drops.
  package let every: Int

  /// The factor of a drop.
  package let gamma: Double

  package init(every: Int, gamma: Double = 0.1) {
    self.every = every
    self.gamma = gamma
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    guard every > 0, step > 0 else { return 1 }
    return PortableMath.pow(gamma, Double(step / every))
  }
}

/// The options of a rate that drops every so often.
package typealias StepSpec = GammaSpec<StepSchedule>
