import DLTensor
import DLConfiguration
import Foundation

/// A learning rate that drops at given steps: `gamma^(number of milestones <= step)`, as
/// `MultiStepLR`.
package struct MultiStepSchedule: Schedule, Hashable {
  /// The steps from which each drop holds, in any order; one that is named twice drops twice.
  package let milestones: [Int]

  /// The factor of a drop.
  package let gamma: Double

  package init(milestones: [Int], gamma: Double = 0.1) {
    self.milestones = milestones
    self.gamma = gamma
  }

  /// The factor of the base learning rate at a step, counted from 0.
  package func multiplier(step: Int) -> Double {
    PortableMath.pow(gamma, Double(milestones.count { $0 <= step }))
  }
}

/// The options of a rate that drops at given steps.
package struct MultiStepSpec: ScheduleSpec {
  package static var word: String { "multi_step" }

  /// Steps at which the rate drops.
  package var milestones: [Int]?
  /// Epochs after which the rate drops, instead of steps.
  package var milestoneEpochs: [Double]?
  /// The factor of a drop.
  package var gamma = 0.1

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "milestones", \.milestones, .atLeast(1),
        "steps at which the rate drops by gamma, counted from the end of the warm-up"),
      .init(
        "milestone_epochs", \.milestoneEpochs, .above(0),
        "epochs after which the rate drops by gamma, counted from the end of the warm-up"),
      .init("gamma", \.gamma, .above(0), "factor of a drop"),
    ]
  }

  /// The length is given in one unit.
  package static var alternatives: [[String]] { [["milestone_epochs", "milestones"]] }

  /// A fault unless the length is given in one unit.
  package func problems() -> [ConfigurationProblem] {
    Self.oneOf(
      "milestone_epochs", "milestones", isOne: (milestoneEpochs == nil) != (milestones == nil))
  }

  /// Makes the schedule of a run.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    MultiStepSchedule(
      milestones: milestones ?? milestoneEpochs?.map(run.steps) ?? [], gamma: gamma)
  }
}
