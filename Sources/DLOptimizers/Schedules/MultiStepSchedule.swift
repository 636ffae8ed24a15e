import Foundation

/// A learning rate that drops at given steps: `gamma^(number of milestones <= step)`, as
/// `MultiStepLR`.
public struct MultiStepSchedule: Schedule, Hashable {
  /// The steps from which each drop holds, in any order; one that is named twice drops twice.
  public let milestones: [Int]

  /// The factor of a drop.
  public let gamma: Double

  /// Makes the schedule.
  public init(milestones: [Int], gamma: Double = 0.1) {
    self.milestones = milestones
    self.gamma = gamma
  }

  /// `multi_step`.
  public var name: String { "multi_step" }

  /// The factor of the base learning rate at a step, counted from 0.
  public func multiplier(step: Int) -> Double {
    pow(gamma, Double(milestones.count { $0 <= step }))
  }
}
