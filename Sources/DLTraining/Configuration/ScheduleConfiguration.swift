import DLConfiguration
import DLCore
import DLOptimizers

/// The change of the learning rate over time: a warm-up, and a schedule behind it.
///
/// Steps and epochs of a schedule count from the end of the warm-up. ``ScheduleRegistry`` lists the
/// schedules with their own options.
package struct ScheduleConfiguration: NamedChoiceSection {
  /// The name of a schedule.
  package typealias Name = ChoiceName<Self>

  /// The schedule.
  package var name = Name(ConstantSpec.self)
  /// Epochs of linear warm-up from zero.
  package var warmupEpochs = 0.0
  /// Steps of linear warm-up, instead of epochs.
  package var warmupSteps: Int?
  /// The options of the schedule that were given.
  package var options = ChosenOptions()

  package init() {}

  /// The schedules that can be named.
  package static var optionTypes: [any ConfigurationOption.Type] {
    ScheduleRegistry.all.map { $0 }
  }

  /// The keys that go with every schedule.
  package static var sharedFields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "schedule of the learning rate, from the end of the warm-up on"),
      .init("warmup_epochs", \.warmupEpochs, .within(0...1e9), "epochs of linear warm-up"),
      .init(
        "warmup_steps", \.warmupSteps, .atLeast(0), "steps of linear warm-up, instead of epochs"),
    ]
  }

  /// The warm-up is given in one unit.
  package static var sharedAlternatives: [[String]] { [["warmup_epochs", "warmup_steps"]] }

  /// The keys that are written under every name.
  package static var writtenKeys: [String] {
    [
      "name", "warmup_epochs", "warmup_steps", "step_epochs", "step_size", "milestones",
      "milestone_epochs", "gamma", "power", "end_factor", "t_0", "t_0_epochs", "t_mult",
      "pct_start", "div_factor", "final_div_factor", "anneal_strategy", "factor", "patience",
      "threshold", "threshold_mode", "cooldown", "monitor",
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    guard warmupSteps != nil, warmupEpochs != 0 else { return optionProblems() }
    let message = "give either warmup_steps or warmup_epochs"
    return [.init("warmup_steps", "warmup_epochs", message: message)] + optionProblems()
  }

  /// The chosen schedule with its options.
  package var spec: any ScheduleSpec { chosenOption as? any ScheduleSpec ?? ConstantSpec() }

  /// The figure of a validation that reduce_on_plateau goes by.
  var monitor: ReduceOnPlateauSpec.Monitor {
    (chosenOption as? ReduceOnPlateauSpec)?.monitor ?? .loss
  }

  /// Makes the schedule over a run of `totalSteps` steps.
  package func makeSchedule(totalSteps: Int, stepsPerEpoch: Int) -> any Schedule {
    let warmup = warmupSteps ?? stepCount(epochs: warmupEpochs, stepsPerEpoch)
    let schedule = spec.makeSchedule(
      over: ScheduleSpan(
        warmup: warmup, remaining: max(totalSteps - warmup, 0), stepsPerEpoch: stepsPerEpoch))
    return warmup > 0 ? WarmupSchedule(steps: warmup, then: schedule) : schedule
  }

  /// Makes what reduces the learning rate after validations; nil for a schedule that goes by steps
  /// alone.
  func makePlateauReduction() throws -> PlateauReduction? { try spec.makePlateauReduction() }

  /// True if the rate is reduced after validations.
  package var goesByValidation: Bool { ((try? makePlateauReduction()) ?? nil) != nil }
}

extension Configuration {
  /// The learning rate over a run of `totalSteps` steps, as a factor of `optimizer.lr`: with what
  /// `scale_lr` makes of it.
  ///
  /// A schedule that goes by the validation counts as if nothing stopped improving.
  package func learningRate(totalSteps: Int, stepsPerEpoch: Int) -> any Schedule {
    let schedule = unscaledRate(totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch)
    return scaleLR == nil ? schedule : ScaledSchedule(schedule, factor: batchRateFactor)
  }

  private func unscaledRate(totalSteps: Int, stepsPerEpoch: Int) -> any Schedule {
    let base = schedule.makeSchedule(totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch)
    guard let average, let lr = average.spec.lr, optimizer.lr > 0 else { return base }
    let times = average.updates(totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch)
    return AveragingSchedule(
      base, start: times.start, factor: lr / optimizer.lr,
      steps: stepCount(epochs: average.spec.annealEpochs, stepsPerEpoch))
  }
}
