import DLConfiguration

/// The update rule.
public struct OptimizerConfiguration: ConfigurationSection {
  /// The known rules.
  public enum Name: String, ConfigurationWord {
    case sgd, adam, adamw, nadam, radam, lion, adagrad, adadelta, rmsprop
  }

  /// The rule.
  public var name = Name.sgd
  /// The learning rate before the schedule; each rule has a default of its own.
  public var lr = 0.01
  /// The momentum of sgd and rmsprop.
  public var momentum = 0.0
  /// The part of a gradient that does not enter SGD's momentum.
  public var dampening = 0.0
  /// Whether SGD looks ahead (Nesterov).
  public var nesterov = false
  /// L2 penalty, decoupled in adamw and lion; 0.01 for adamw unless given.
  public var weightDecay = 0.0
  /// Whether the weight decay of nadam or radam is decoupled.
  public var decoupledWeightDecay = false
  /// The two decay rates of Adam's family; 0.9 and 0.99 for lion unless given.
  public var betas = [0.9, 0.999]
  /// Added to the denominator; 1e-10 for adagrad and 1e-6 for adadelta unless given.
  public var eps = 1e-8
  /// Whether adam or adamw divides by the largest second moment so far.
  public var amsgrad = false
  /// How fast NAdam's momentum grows.
  public var momentumDecay = 0.004
  /// The decay of Adagrad's learning rate from step to step.
  public var lrDecay = 0.0
  /// Adagrad's sum of squares before the first step.
  public var initialAccumulatorValue = 0.0
  /// The decay rate of Adadelta's means.
  public var rho = 0.9
  /// The decay rate of RMSProp's means.
  public var alpha = 0.99
  /// Whether RMSProp divides by the variance of the gradient.
  public var centered = false
  /// Gradients are scaled down to this global norm; nil for never.
  public var clipNorm: Double?

  /// Makes the section with its defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "update rule"),
      .init(
        "lr", \.lr, .atLeast(0),
        "learning rate; 0.01 for sgd, adagrad and rmsprop, 0.001 for adam, adamw and radam, "
          + "0.002 for nadam, 0.0001 for lion, 1 for adadelta"),
      .init("momentum", \.momentum, .within(0..<1), "momentum of sgd and rmsprop"),
      .init(
        "dampening", \.dampening, .within(0...1), "part of a gradient that sgd's momentum omits"),
      .init("nesterov", \.nesterov, "Nesterov's momentum in sgd"),
      .init(
        "weight_decay", \.weightDecay, .atLeast(0),
        "L2 penalty; decoupled in adamw and lion, and 0.01 in adamw"),
      .init(
        "decoupled_weight_decay", \.decoupledWeightDecay,
        "whether the weight decay of nadam and radam is decoupled"),
      .init(
        "betas", \.betas, .within(0..<1).count(2),
        "decay rates of the moments of adam, adamw, nadam, radam and lion (0.9 and 0.99)"),
      .init(
        "eps", \.eps, .above(0), "added to the denominator; 1e-10 in adagrad, 1e-6 in adadelta"),
      .init("amsgrad", \.amsgrad, "largest second moment so far in adam and adamw"),
      .init("momentum_decay", \.momentumDecay, .atLeast(0), "growth of nadam's momentum"),
      .init("lr_decay", \.lrDecay, .atLeast(0), "decay of adagrad's learning rate per step"),
      .init(
        "initial_accumulator_value", \.initialAccumulatorValue, .atLeast(0),
        "adagrad's sum of squares before the first step"),
      .init("rho", \.rho, .within(0..<1), "decay rate of adadelta's means"),
      .init("alpha", \.alpha, .within(0..<1), "decay rate of rmsprop's means"),
      .init("centered", \.centered, "variance in place of the mean square in rmsprop"),
      .init("clip_norm", \.clipNorm, .above(0), "largest global norm of the gradient"),
    ]
  }

  /// Completes defaults that depend on other values.
  public mutating func resolve(given: Set<String>) {
    if !given.contains("lr") {
      lr =
        switch name {
        case .sgd, .adagrad, .rmsprop: 0.01
        case .adam, .adamw, .radam: 0.001
        case .nadam: 0.002
        case .lion: 0.0001
        case .adadelta: 1
        }
    }
    if name == .adamw, !given.contains("weight_decay") { weightDecay = 0.01 }
    if name == .lion, !given.contains("betas") { betas = [0.9, 0.99] }
    if name == .adagrad, !given.contains("eps") { eps = 1e-10 }
    if name == .adadelta, !given.contains("eps") { eps = 1e-6 }
  }

  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] {
    var problems = misplacedOptions(
      name,
      [
        ("momentum", [.sgd, .rmsprop]), ("dampening", [.sgd]),
        ("nesterov", [.sgd]),
        ("decoupled_weight_decay", [.nadam, .radam]),
        ("betas", [.adam, .adamw, .nadam, .radam, .lion]),
        ("eps", [.adam, .adamw, .nadam, .radam, .adagrad, .adadelta, .rmsprop]),
        ("amsgrad", [.adam, .adamw]), ("momentum_decay", [.nadam]),
        ("lr_decay", [.adagrad]),
        ("initial_accumulator_value", [.adagrad]),
        ("rho", [.adadelta]), ("alpha", [.rmsprop]),
        ("centered", [.rmsprop]),
      ])
    if name == .sgd, nesterov, momentum == 0 {
      problems.append(.init("nesterov", "momentum", message: "needs a momentum above 0"))
    }
    if name == .sgd, nesterov, dampening != 0 {
      problems.append(.init("nesterov", "dampening", message: "needs a dampening of 0"))
    }
    return problems
  }
}
