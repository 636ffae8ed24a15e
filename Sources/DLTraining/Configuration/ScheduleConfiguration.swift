import DLConfiguration

/// How the learning rate changes over time.
///
/// Steps and epochs count from the end of the warm-up.
public struct ScheduleConfiguration: ConfigurationSection {
  /// The known schedules.
  public enum Name: String, ConfigurationWord {
    case constant, step
    case multiStep = "multi_step"
    case exponential, polynomial, cosine
    case cosineRestarts = "cosine_restarts"
    case oneCycle = "one_cycle"
    case inverseSquareRoot = "inverse_sqrt"
    case reduceOnPlateau = "reduce_on_plateau"
  }

  /// What reduce_on_plateau goes by.
  public enum Monitor: String, ConfigurationWord { case loss, metric }

  /// The curve of one_cycle between its rates.
  public enum AnnealStrategy: String, ConfigurationWord { case cos, linear }

  /// How the threshold of reduce_on_plateau is meant.
  public enum ThresholdMode: String, ConfigurationWord { case rel, abs }

  /// The schedule.
  public var name = Name.constant
  /// Epochs of linear warm-up from zero.
  public var warmupEpochs = 0.0
  /// Steps of linear warm-up, instead of epochs.
  public var warmupSteps: Int?
  /// Epochs between two factors of gamma.
  public var stepEpochs: Double?
  /// Steps between two factors of gamma, instead of epochs.
  public var stepSize: Int?
  /// Steps at which the rate drops by gamma.
  public var milestones: [Int]?
  /// Epochs after which the rate drops by gamma, instead of steps.
  public var milestoneEpochs: [Double]?
  /// The factor of step, multi_step and exponential.
  public var gamma = 0.1
  /// The exponent of polynomial.
  public var power = 1.0
  /// The last rate of polynomial, cosine and each of cosine_restarts, and the least of
  /// reduce_on_plateau, as a fraction of lr.
  public var endFactor = 0.0
  /// Steps of the first of cosine_restarts.
  public var firstCycle: Int?
  /// Epochs of the first of cosine_restarts, instead of steps.
  public var firstCycleEpochs: Double?
  /// The growth of a cycle of cosine_restarts over the one before it.
  public var cycleFactor = 1
  /// The part of one_cycle in which the rate rises.
  public var pctStart = 0.3
  /// The peak of one_cycle, which is lr, over its first rate.
  public var divFactor = 25.0
  /// The first rate of one_cycle over its last.
  public var finalDivFactor = 1e4
  /// The curve of one_cycle between its rates.
  public var annealStrategy = AnnealStrategy.cos
  /// What reduce_on_plateau multiplies the rate by.
  public var factor = 0.1
  /// Validations without improvement that reduce_on_plateau lets pass.
  public var patience = 10
  /// What an improvement must exceed.
  public var threshold = 1e-4
  /// Whether the threshold is a fraction of the best.
  public var thresholdMode = ThresholdMode.rel
  /// Validations after a reduction that do not count.
  public var cooldown = 0
  /// The figure of a validation: its loss, or what chooses the best checkpoint.
  public var monitor = Monitor.loss

  /// Makes the section with its defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "schedule of the learning rate, from the end of the warm-up on"),
      .init("warmup_epochs", \.warmupEpochs, .within(0...1e9), "epochs of linear warm-up"),
      .init(
        "warmup_steps", \.warmupSteps, .atLeast(0), "steps of linear warm-up, instead of epochs"),
      .init("step_epochs", \.stepEpochs, .above(0), "epochs between two factors of gamma"),
      .init("step_size", \.stepSize, .atLeast(1), "steps between two factors of gamma"),
      .init("milestones", \.milestones, .atLeast(1), "steps at which multi_step drops by gamma"),
      .init(
        "milestone_epochs", \.milestoneEpochs, .above(0),
        "epochs after which multi_step drops by gamma"),
      .init("gamma", \.gamma, .above(0), "factor of step, multi_step and exponential"),
      .init("power", \.power, .above(0), "exponent of polynomial"),
      .init(
        "end_factor", \.endFactor, .within(0...1),
        "last rate of polynomial, cosine and cosine_restarts (eta_min), and least of "
          + "reduce_on_plateau (min_lr), as a fraction of lr"),
      .init("t_0", \.firstCycle, .atLeast(1), "steps of the first cycle of cosine_restarts"),
      .init(
        "t_0_epochs", \.firstCycleEpochs, .above(0),
        "epochs of the first cycle of cosine_restarts"),
      .init(
        "t_mult", \.cycleFactor, .atLeast(1), "growth of a cycle of cosine_restarts over the last"),
      .init("pct_start", \.pctStart, .within(0...1), "part of one_cycle in which the rate rises"),
      .init(
        "div_factor", \.divFactor, .atLeast(1), "peak of one_cycle, which is lr, over its start"),
      .init("final_div_factor", \.finalDivFactor, .atLeast(1), "start of one_cycle over its end"),
      .init("anneal_strategy", \.annealStrategy, "curve of one_cycle between its rates"),
      .init("factor", \.factor, .within(0..<1), "what reduce_on_plateau multiplies the rate by"),
      .init(
        "patience", \.patience, .atLeast(0),
        "validations without improvement that reduce_on_plateau lets pass"),
      .init("threshold", \.threshold, .atLeast(0), "what an improvement must exceed"),
      .init("threshold_mode", \.thresholdMode, "threshold as a fraction of the best, or as is"),
      .init("cooldown", \.cooldown, .atLeast(0), "validations after a reduction that do not count"),
      .init(
        "monitor", \.monitor, "loss of a validation, or the metric that chooses the best checkpoint"
      ),
    ]
  }

  /// Lengths are given in one unit each.
  public static var alternatives: [[String]] {
    [
      ["warmup_epochs", "warmup_steps"], ["step_epochs", "step_size"],
      ["milestone_epochs", "milestones"], ["t_0_epochs", "t_0"],
    ]
  }

  /// What some of the schedules alone have.
  public static var optionOwners: [String: [String]] {
    Name.owners([
      ("step_epochs", [.step, .exponential]),
      ("step_size", [.step, .exponential]),
      ("milestones", [.multiStep]),
      ("milestone_epochs", [.multiStep]),
      ("gamma", [.step, .multiStep, .exponential]), ("power", [.polynomial]),
      ("end_factor", [.polynomial, .cosine, .cosineRestarts, .reduceOnPlateau]),
      ("t_0", [.cosineRestarts]),
      ("t_0_epochs", [.cosineRestarts]),
      ("t_mult", [.cosineRestarts]), ("pct_start", [.oneCycle]),
      ("div_factor", [.oneCycle]),
      ("final_div_factor", [.oneCycle]), ("anneal_strategy", [.oneCycle]),
      ("factor", [.reduceOnPlateau]),
      ("patience", [.reduceOnPlateau]), ("threshold", [.reduceOnPlateau]),
      ("threshold_mode", [.reduceOnPlateau]), ("cooldown", [.reduceOnPlateau]),
      ("monitor", [.reduceOnPlateau]),
    ])
  }

  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] {
    var problems = misplacedOptions([name])
    if warmupSteps != nil, warmupEpochs != 0 {
      problems.append(
        .init("warmup_steps", "warmup_epochs", message: "give either warmup_steps or warmup_epochs")
      )
    }
    func oneOf(_ first: String, _ second: String, isOne: Bool) {
      guard !isOne else { return }
      problems.append(
        .init(
          "name", first, second, message: "\(name.rawValue) needs either \(first) or \(second)"))
    }
    switch name {
    case .step, .exponential:
      oneOf("step_epochs", "step_size", isOne: (stepEpochs == nil) != (stepSize == nil))
    case .multiStep:
      oneOf(
        "milestone_epochs", "milestones", isOne: (milestoneEpochs == nil) != (milestones == nil))
    case .cosineRestarts:
      oneOf("t_0_epochs", "t_0", isOne: (firstCycleEpochs == nil) != (firstCycle == nil))
    case .constant, .polynomial, .cosine, .oneCycle, .inverseSquareRoot, .reduceOnPlateau: break
    }
    return problems
  }
}
