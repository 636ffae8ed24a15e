/// The update rule.
public struct OptimizerConfiguration: ConfigurationSection {
  /// The known rules.
  public enum Name: String, ConfigurationWord { case sgd, adam, adamw }

  /// The rule.
  public var name = Name.sgd
  /// The learning rate before the schedule; 0.01 for sgd, 0.001 for the others unless given.
  public var lr = 0.01
  /// SGD's momentum.
  public var momentum = 0.0
  /// Whether SGD looks ahead (Nesterov).
  public var nesterov = false
  /// L2 penalty, decoupled in adamw; 0.01 for adamw unless given.
  public var weightDecay = 0.0
  /// Adam's two decay rates.
  public var betas = [0.9, 0.999]
  /// Added to Adam's denominator.
  public var eps = 1e-8
  /// Gradients are scaled down to this global norm; nil for never.
  public var clipNorm: Double?

  /// Makes the section with its defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "update rule"),
      .init("lr", \.lr, .atLeast(0), "learning rate; 0.01 for sgd, 0.001 for adam and adamw"),
      .init("momentum", \.momentum, .within(0..<1), "momentum of sgd"),
      .init("nesterov", \.nesterov, "Nesterov's momentum in sgd"),
      .init(
        "weight_decay", \.weightDecay, .atLeast(0), "L2 penalty; decoupled, and 0.01, in adamw"),
      .init("betas", \.betas, .within(0..<1).count(2), "decay rates of adam's moments"),
      .init("eps", \.eps, .above(0), "added to adam's denominator"),
      .init("clip_norm", \.clipNorm, .above(0), "largest global norm of the gradient"),
    ]
  }

  /// Completes defaults that depend on other values.
  public mutating func resolve(given: Set<String>) {
    if name != .sgd, !given.contains("lr") { lr = 0.001 }
    if name == .adamw, !given.contains("weight_decay") { weightDecay = 0.01 }
  }

  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    if name == .sgd, nesterov, momentum == 0 {
      problems.append(.init("nesterov", "momentum", message: "needs a momentum above 0"))
    }
    if name != .sgd, momentum != 0 {
      problems.append(.init("momentum", "name", message: "only sgd has it; adam has betas"))
    }
    if name != .sgd, nesterov {
      problems.append(.init("nesterov", "name", message: "only sgd has it"))
    }
    return problems
  }
}

/// How the learning rate changes over time.
public struct ScheduleConfiguration: ConfigurationSection {
  /// The known schedules.
  public enum Name: String, ConfigurationWord { case constant, step, cosine }

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
  /// The factor of the step schedule.
  public var gamma = 0.1

  /// Makes the section with its defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "schedule of the learning rate"),
      .init("warmup_epochs", \.warmupEpochs, .within(0...1e9), "epochs of linear warm-up"),
      .init(
        "warmup_steps", \.warmupSteps, .atLeast(0), "steps of linear warm-up, instead of epochs"),
      .init("step_epochs", \.stepEpochs, .above(0), "epochs between two factors of gamma"),
      .init("step_size", \.stepSize, .atLeast(1), "steps between two factors of gamma"),
      .init("gamma", \.gamma, .above(0), "factor of the step schedule"),
    ]
  }

  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    if warmupSteps != nil, warmupEpochs != 0 {
      problems.append(
        .init("warmup_steps", "warmup_epochs", message: "give either warmup_steps or warmup_epochs")
      )
    }
    if name == .step, (stepEpochs == nil) == (stepSize == nil) {
      problems.append(
        .init(
          "name", "step_epochs", "step_size", message: "step needs either step_epochs or step_size")
      )
    }
    if name != .step, stepEpochs != nil || stepSize != nil {
      problems.append(
        .init("step_epochs", "step_size", "name", message: "only the step schedule has it"))
    }
    return problems
  }
}
