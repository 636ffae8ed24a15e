import DLConfiguration
import Foundation

/// A learning rate that falls steadily: `gamma^(step / every)`, as `ExponentialLR` where `every` is 1.
///
/// Without a positive interval the multiplier stays 1, as it does before step 0.
public struct ExponentialSchedule: Schedule, Hashable {
  /// The number of steps over which the rate falls by gamma.
  public let every: Int

  /// The factor over that many steps.
  public let gamma: Double

  /// Makes the schedule.
  public init(every: Int = 1, gamma: Double) {
    self.every = every
    self.gamma = gamma
  }

  /// The factor of the base learning rate at a step, counted from 0.
  public func multiplier(step: Int) -> Double {
    guard every > 0, step > 0 else { return 1 }
    return pow(gamma, Double(step) / Double(every))
  }
}

/// The options of a rate that falls steadily.
public struct ExponentialSpec: ScheduleSpec {
  /// The name as written in `schedule`.
  public static var word: String { "exponential" }

  /// Epochs between two factors of gamma.
  public var stepEpochs: Double?
  /// Steps between two factors of gamma, instead of epochs.
  public var stepSize: Int?
  /// The factor of a drop.
  public var gamma = 0.1

  /// Makes the options with their defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("step_epochs", \.stepEpochs, .above(0), "epochs between two factors of gamma"),
      .init("step_size", \.stepSize, .atLeast(1), "steps between two factors of gamma"),
      .init("gamma", \.gamma, .above(0), "factor of a drop"),
    ]
  }

  /// The length is given in one unit.
  public static var alternatives: [[String]] { [["step_epochs", "step_size"]] }

  /// A fault unless the length is given in one unit.
  public func problems() -> [ConfigurationProblem] {
    Self.oneOf("step_epochs", "step_size", isOne: (stepEpochs == nil) != (stepSize == nil))
  }

  /// Makes the schedule of a run.
  public func makeSchedule(over run: ScheduleSpan) -> any Schedule {
    let every = max(stepSize ?? stepEpochs.map(run.steps) ?? run.remaining, 1)
    return ExponentialSchedule(every: every, gamma: gamma)
  }
}
