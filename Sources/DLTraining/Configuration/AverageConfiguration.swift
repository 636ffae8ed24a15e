import DLConfiguration
import DLOptimizers

/// A mean of the weights over the run, which validation, evaluation and export take in place of the
/// weights themselves.
public struct AverageConfiguration: ConfigurationSection {
  /// The known means.
  public enum Name: String, ConfigurationWord {
    case ema, swa
  }

  /// Exponential (ema) or equal (swa) weights.
  public var name = Name.ema
  /// What an update of ema leaves of the mean.
  public var decay = 0.999
  /// Steps between two updates; 1 for ema and an epoch for swa unless given.
  public var everySteps: Int?
  /// Epochs before the first update.
  public var startEpochs: Double?
  /// Steps before the first update; 0 for ema and 3/4 of the run for swa unless given.
  public var startSteps: Int?
  /// The learning rate of swa from its start on; that of the schedule unless given.
  public var lr: Double?
  /// Epochs over which the rate goes to that of swa, by half a cosine.
  public var annealEpochs = 0.0

  /// Makes the section with its defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "exponential (ema) or equal (swa) mean of the weights"),
      .init("decay", \.decay, .within(0..<1), "what an update of ema leaves of the mean"),
      .init(
        "every_steps", \.everySteps, .atLeast(1),
        "steps between two updates; 1 for ema, an epoch for swa"),
      .init("start_epochs", \.startEpochs, .within(0...1e9), "epochs before the first update"),
      .init(
        "start_steps", \.startSteps, .atLeast(0),
        "steps before the first update; 0 for ema, 3/4 of the run for swa"),
      .init("lr", \.lr, .above(0), "learning rate of swa from its start on"),
      .init(
        "anneal_epochs", \.annealEpochs, .within(0...1e9),
        "epochs over which the rate goes to that of swa"),
    ]
  }

  /// The start is given in one unit.
  public static var alternatives: [[String]] { [["start_epochs", "start_steps"]] }

  /// What one of the means alone has.
  public static var optionOwners: [String: [String]] {
    Name.owners([("decay", [.ema]), ("lr", [.swa]), ("anneal_epochs", [.swa])])
  }

  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] {
    var problems = misplacedOptions([name])
    if startEpochs != nil, startSteps != nil {
      problems.append(
        .init("start_steps", "start_epochs", message: "give either start_steps or start_epochs"))
    }
    if annealEpochs != 0, lr == nil {
      problems.append(.init("anneal_epochs", "lr", message: "needs a lr to go to"))
    }
    return problems
  }
}

/// When a mean of the weights is updated.
struct AveragePlan {
  let start: Int
  let every: Int

  init(_ configuration: AverageConfiguration, totalSteps: Int, stepsPerEpoch: Int) {
    start =
      configuration.startSteps
      ?? configuration.startEpochs.map { stepCount(epochs: $0, stepsPerEpoch) }
      ?? (configuration.name == .swa ? totalSteps / 4 * 3 + totalSteps % 4 * 3 / 4 : 0)
    every = configuration.everySteps ?? (configuration.name == .swa ? max(stepsPerEpoch, 1) : 1)
  }

  /// Whether the mean takes the weights in after `step` steps.
  func isDue(afterStep step: Int) -> Bool { step > start && (step - start) % every == 0 }
}

/// Epochs as steps, rounded.
func stepCount(epochs: Double, _ stepsPerEpoch: Int) -> Int {
  Int(min((epochs * Double(stepsPerEpoch)).rounded(), 1e15))
}

extension Configuration {
  /// The learning rate over a run of `totalSteps` steps, as a factor of `optimizer.lr`: with what
  /// `scale_lr` makes of it.
  ///
  /// A schedule that goes by the validation counts as if nothing stopped improving.
  public func learningRate(totalSteps: Int, stepsPerEpoch: Int) -> any Schedule {
    let schedule = unscaledRate(totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch)
    return scaleLR == nil ? schedule : ScaledSchedule(schedule, factor: batchRateFactor)
  }

  private func unscaledRate(totalSteps: Int, stepsPerEpoch: Int) -> any Schedule {
    let base = schedule.makeSchedule(totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch)
    guard let average, average.name == .swa, let lr = average.lr, optimizer.lr > 0 else {
      return base
    }
    return AveragingSchedule(
      base, start: AveragePlan(average, totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch).start,
      factor: lr / optimizer.lr, steps: stepCount(epochs: average.annealEpochs, stepsPerEpoch))
  }
}
