import DLConfiguration
import DLOptimizers

/// The update rule.
public struct OptimizerConfiguration: ConfigurationSection {
  /// The known rules.
  public enum Name: String, ConfigurationWord {
    case sgd, adam, adamw, nadam, radam, lion, muon, adagrad, adadelta, rmsprop, lars, lamb, lbfgs
  }

  /// The rule.
  public var name = Name.sgd
  /// The learning rate before the schedule; each rule has a default of its own.
  public var lr = 0.01
  /// The momentum of sgd, muon, rmsprop and lars; 0.9 for lars and 0.95 for muon unless given.
  public var momentum = 0.0
  /// The part of a gradient that does not enter SGD's momentum.
  public var dampening = 0.0
  /// Whether sgd or muon looks ahead (Nesterov); muon does unless told otherwise.
  public var nesterov = false
  /// L2 penalty, decoupled in adamw, lion, muon and lamb; 0.01 for adamw and lamb and 0.1 for muon
  /// unless given.
  public var weightDecay = 0.0
  /// Whether the weight decay of nadam or radam is decoupled.
  public var decoupledWeightDecay = false
  /// The two decay rates of Adam's family; 0.9 and 0.99 for lion unless given.
  public var betas = [0.9, 0.999]
  /// Added to the denominator; 1e-10 for adagrad, 1e-6 for adadelta and lamb unless given.
  public var eps = 1e-8
  /// Whether adam or adamw divides by the largest second moment so far.
  public var amsgrad = false
  /// How muon's learning rate follows from a matrix's shape.
  public var adjustLrFn = Muon.RateAdjustment.original
  /// The iterations that make muon's matrices orthogonal.
  public var nsSteps = 5
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
  /// The norm of a step of LARS over that of its tensor, per unit of learning rate.
  public var trustCoefficient = 0.001
  /// Iterations of L-BFGS per step.
  public var maxIter = 20
  /// Evaluations of L-BFGS per step; 5/4 of the iterations unless given.
  public var maxEval: Int?
  /// The largest element of the gradient at which a step of L-BFGS ends.
  public var toleranceGrad = 1e-7
  /// The change of weights or loss at which a step of L-BFGS ends.
  public var toleranceChange = 1e-9
  /// Steps that L-BFGS remembers.
  public var historySize = 100
  /// How L-BFGS finds the length of a step; nil for the learning rate.
  public var lineSearchFn: LineSearch?
  /// Gradients are scaled down to this global norm; nil for never.
  public var clipNorm: Double?
  /// Elements of the gradient are limited to this magnitude; nil for never.
  public var clipValue: Double?
  /// Parameters that weight decay leaves out, by name or as `bias` and `norm`.
  public var noDecay: [String] = []
  /// Parameters with settings of their own; the first that matches counts.
  public var groups: [OptimizerGroupConfiguration] = []
  /// Slow weights behind the optimizer; nil for none.
  public var lookahead: LookaheadConfiguration?
  /// Sharpness-aware minimisation around the optimizer; nil for none.
  public var sam: SAMConfiguration?

  /// The known line searches.
  public enum LineSearch: String, ConfigurationWord {
    case strongWolfe = "strong_wolfe"
  }

  /// Makes the section with its defaults.
  public init() {}

  /// The keys, in the order in which they are written.
  public static var fields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "update rule"),
      .init(
        "lr", \.lr, .atLeast(0),
        "learning rate; 0.01 for sgd, adagrad and rmsprop, 0.001 for adam, adamw and radam, "
          + "0.002 for nadam, 0.0001 for lion, 0.001 for muon, 1 for adadelta and lbfgs, 0.1 for lars, "
          + "0.001 for lamb"
      ),
      .init(
        "momentum", \.momentum, .within(0..<1),
        "momentum of sgd, rmsprop, lars (0.9) and muon (0.95)"),
      .init(
        "dampening", \.dampening, .within(0...1), "part of a gradient that sgd's momentum omits"),
      .init("nesterov", \.nesterov, "Nesterov's momentum in sgd and muon, where it is the default"),
      .init(
        "weight_decay", \.weightDecay, .atLeast(0),
        "L2 penalty; decoupled in adamw, lion, muon and lamb; 0.01 in adamw and lamb, 0.1 in muon"),
      .init(
        "decoupled_weight_decay", \.decoupledWeightDecay,
        "whether the weight decay of nadam and radam is decoupled"),
      .init(
        "betas", \.betas, .within(0..<1).count(2),
        "decay rates of the moments of adam, adamw, nadam, radam, lamb and lion (0.9 and 0.99)"),
      .init(
        "eps", \.eps, .above(0),
        "added to the denominator; 1e-10 in adagrad, 1e-6 in adadelta and lamb"),
      .init("amsgrad", \.amsgrad, "largest second moment so far in adam and adamw"),
      .init(
        "adjust_lr_fn", \.adjustLrFn,
        "muon's learning rate by a matrix's shape: times sqrt(max(1, out / in)), or as large as AdamW's"
      ),
      .init(
        "ns_steps", \.nsSteps, .within(0...99), "iterations that make muon's matrices orthogonal"),
      .init("momentum_decay", \.momentumDecay, .atLeast(0), "growth of nadam's momentum"),
      .init("lr_decay", \.lrDecay, .atLeast(0), "decay of adagrad's learning rate per step"),
      .init(
        "initial_accumulator_value", \.initialAccumulatorValue, .atLeast(0),
        "adagrad's sum of squares before the first step"),
      .init("rho", \.rho, .within(0..<1), "decay rate of adadelta's means"),
      .init("alpha", \.alpha, .within(0..<1), "decay rate of rmsprop's means"),
      .init("centered", \.centered, "variance in place of the mean square in rmsprop"),
      .init(
        "trust_coefficient", \.trustCoefficient, .above(0),
        "norm of a step of lars over that of its tensor, per unit of learning rate"),
      .init("max_iter", \.maxIter, .atLeast(1), "iterations of lbfgs per step"),
      .init(
        "max_eval", \.maxEval, .atLeast(1), "evaluations of lbfgs per step; 5/4 of max_iter"),
      .init(
        "tolerance_grad", \.toleranceGrad, .atLeast(0),
        "largest element of the gradient at which a step of lbfgs ends"),
      .init(
        "tolerance_change", \.toleranceChange, .atLeast(0),
        "change of weights or loss at which a step of lbfgs ends"),
      .init("history_size", \.historySize, .atLeast(1), "steps that lbfgs remembers"),
      .init(
        "line_search_fn", \.lineSearchFn,
        "how lbfgs finds the length of a step, if not by lr alone"),
      .init("clip_norm", \.clipNorm, .above(0), "largest global norm of the gradient"),
      .init("clip_value", \.clipValue, .above(0), "largest magnitude in the gradient"),
      .init(
        "no_decay", \.noDecay,
        "parameters without weight decay, and without trust ratio in lars and lamb: bias, norm, "
          + "or patterns of names"),
      .init("groups", \.groups, "parameters with settings of their own; the first match counts"),
      .init("lookahead", \.lookahead, "slow weights behind the optimizer"),
      .init("sam", \.sam, "sharpness-aware minimisation around the optimizer"),
    ]
  }

  /// Completes defaults that depend on other values.
  public mutating func resolve(given: Set<String>) {
    if !given.contains("lr") {
      lr =
        switch name {
        case .sgd, .adagrad, .rmsprop: 0.01
        case .adam, .adamw, .radam, .muon, .lamb: 0.001
        case .nadam: 0.002
        case .lion: 0.0001
        case .adadelta, .lbfgs: 1
        case .lars: 0.1
        }
    }
    if [.adamw, .lamb].contains(name), !given.contains("weight_decay") { weightDecay = 0.01 }
    if name == .lars, !given.contains("momentum") { momentum = 0.9 }
    if name == .muon {
      if !given.contains("momentum") { momentum = 0.95 }
      if !given.contains("nesterov") { nesterov = momentum > 0 }
      if !given.contains("weight_decay") { weightDecay = 0.1 }
    }
    if name == .lion, !given.contains("betas") { betas = [0.9, 0.99] }
    if name == .adagrad, !given.contains("eps") { eps = 1e-10 }
    if [.adadelta, .lamb].contains(name), !given.contains("eps") { eps = 1e-6 }
  }

  /// The rules in use: the section's and those of its groups.
  var names: [Name] { [name] + groups.compactMap(\.name) }

  /// Gradients are limited in one way.
  public static var alternatives: [[String]] { [["clip_norm", "clip_value"]] }

  /// What some of the rules alone have.
  public static var optionOwners: [String: [String]] {
    Name.owners([
      ("momentum", [.sgd, .muon, .rmsprop, .lars]), ("dampening", [.sgd]),
      ("nesterov", [.sgd, .muon]), ("adjust_lr_fn", [.muon]), ("ns_steps", [.muon]),
      ("decoupled_weight_decay", [.nadam, .radam]),
      ("betas", [.adam, .adamw, .nadam, .radam, .lion, .lamb]),
      ("eps", [.adam, .adamw, .nadam, .radam, .adagrad, .adadelta, .rmsprop, .lars, .lamb]),
      ("amsgrad", [.adam, .adamw]), ("momentum_decay", [.nadam]),
      ("lr_decay", [.adagrad]),
      ("initial_accumulator_value", [.adagrad]),
      ("rho", [.adadelta]), ("alpha", [.rmsprop]),
      ("centered", [.rmsprop]), ("trust_coefficient", [.lars]), ("max_iter", [.lbfgs]),
      ("max_eval", [.lbfgs]), ("tolerance_grad", [.lbfgs]), ("tolerance_change", [.lbfgs]),
      ("history_size", [.lbfgs]), ("line_search_fn", [.lbfgs]),
    ])
  }

  /// The rules of groups of parameters go by the section's options too.
  public static func otherNames(in node: ConfigurationNode) -> [String] {
    guard case .list(let groups)? = node["groups"]?.value else { return [] }
    return groups.compactMap { group in
      if case .string(let name)? = group["name"]?.value { name } else { nil }
    }
  }

  /// Faults that concern several keys at once.
  public func problems() -> [ConfigurationProblem] {
    var problems = misplacedOptions(names)
    if names.contains(.sgd), nesterov, momentum == 0 {
      problems.append(.init("nesterov", "momentum", message: "needs a momentum above 0"))
    }
    if names.contains(.sgd), nesterov, dampening != 0 {
      problems.append(.init("nesterov", "dampening", message: "needs a dampening of 0"))
    }
    if clipNorm != nil, clipValue != nil {
      problems.append(
        .init("clip_value", "clip_norm", message: "give either clip_norm or clip_value"))
    }
    if name == .lbfgs {
      let others: [(String, Bool)] = [
        ("weight_decay", weightDecay != 0), ("clip_norm", clipNorm != nil),
        ("clip_value", clipValue != nil), ("no_decay", !noDecay.isEmpty),
        ("groups", groups.contains { $0.name != nil || $0.lr != nil || $0.weightDecay != nil }),
        ("lookahead", lookahead != nil), ("sam", sam != nil),
      ]
      for (key, isGiven) in others where isGiven {
        problems.append(.init(key, "name", message: "lbfgs goes by the plain gradient, without it"))
      }
    }
    return problems
  }
}

extension Muon.RateAdjustment: ConfigurationWord {}
