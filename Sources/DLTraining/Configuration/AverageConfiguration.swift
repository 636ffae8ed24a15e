import DLConfiguration
import DLOptimizers

/// A mean of the weights over the run, which validation, evaluation and export take in place of the
/// weights themselves.
///
/// ``AverageRegistry`` lists the means with their own options.
package struct AverageConfiguration: NamedChoiceSection {
  /// The name of a mean.
  package typealias Name = ChoiceName<Self>

  /// The rule by which updates are weighed.
  package var name = Name(ExponentialAverageSpec.self)
  /// Steps between two updates; each mean has a default of its own.
  package var everySteps: Int?
  /// Epochs before the first update.
  package var startEpochs: Double?
  /// Steps before the first update; each mean has a default of its own.
  package var startSteps: Int?
  /// The options of the mean that were given.
  package var options = ChosenOptions()

  package init() {}

  /// The means that can be named.
  package static var optionTypes: [any ConfigurationOption.Type] {
    AverageRegistry.all.map { $0 }
  }

  /// The keys that go with every mean.
  package static var sharedFields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "mean of the weights: exponential (ema), equal (swa), or another"),
      .init(
        "every_steps", \.everySteps, .atLeast(1),
        "steps between two updates; an epoch for swa, else 1"),
      .init("start_epochs", \.startEpochs, .within(0...1e9), "epochs before the first update"),
      .init(
        "start_steps", \.startSteps, .atLeast(0),
        "steps before the first update; 3/4 of the run for swa, else 0"),
    ]
  }

  /// The start is given in one unit.
  package static var sharedAlternatives: [[String]] { [["start_epochs", "start_steps"]] }

  /// The keys that are written under every name.
  package static var writtenKeys: [String] {
    ["name", "decay", "every_steps", "start_epochs", "start_steps", "lr", "anneal_epochs"]
  }

  package func problems() -> [ConfigurationProblem] {
    guard startEpochs != nil, startSteps != nil else { return optionProblems() }
    let message = "give either start_steps or start_epochs"
    return [.init("start_steps", "start_epochs", message: message)] + optionProblems()
  }

  /// The chosen mean with its options.
  package var spec: any AverageSpec {
    chosenOption as? any AverageSpec ?? ExponentialAverageSpec()
  }
}

/// When a mean of the weights is updated.
struct AveragePlan {
  let start: Int
  let every: Int

  init(_ configuration: AverageConfiguration, totalSteps: Int, stepsPerEpoch: Int) {
    let spec = configuration.spec
    start =
      configuration.startSteps
      ?? configuration.startEpochs.map { stepCount(epochs: $0, stepsPerEpoch) }
      ?? spec.defaultStart(totalSteps: totalSteps)
    every = configuration.everySteps ?? spec.defaultInterval(stepsPerEpoch: stepsPerEpoch)
  }

  /// Returns whether the mean takes the weights in after `step` steps.
  func isDue(afterStep step: Int) -> Bool { step > start && (step - start) % every == 0 }
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
    return AveragingSchedule(
      base, start: AveragePlan(average, totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch).start,
      factor: lr / optimizer.lr,
      steps: stepCount(epochs: average.spec.annealEpochs, stepsPerEpoch))
  }
}
