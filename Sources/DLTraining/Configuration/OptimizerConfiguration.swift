import DLConfiguration
import DLCore
import DLOptimizers

/// The update rule, and what goes with every rule.
///
/// ``OptimizerRegistry`` lists the rules with their own options.
package struct OptimizerConfiguration: NamedChoiceSection {
  /// The name of a rule.
  package typealias Name = ChoiceName<Self>

  /// The rule.
  package var name = Name(SGDSpec.self)
  /// The learning rate before the schedule; each rule has a default of its own.
  package var lr = SGDSpec.learningRate
  /// The weight decay, decoupled or an L2 penalty; each rule has a default of its own.
  package var weightDecay = SGDSpec.weightDecay
  /// The options of the rule that were given.
  package var options = ChosenOptions()
  /// Gradients are scaled down to this global norm; nil for never.
  package var clipNorm: Double?
  /// Elements of the gradient are limited to this magnitude; nil for never.
  package var clipValue: Double?
  /// Parameters are kept within this magnitude; nil for any.
  package var clipWeights: Double?
  /// Parameters that weight decay leaves out, by name or as `bias` and `norm`.
  package var noDecay: [String] = []
  /// Parameters with settings of their own; the first that matches counts.
  package var groups: [OptimizerGroupConfiguration] = []
  /// Conditions that parameters are to keep.
  package var constraints: [ConstraintConfiguration] = []
  /// The factor of the learning rate from each layer to the one before it; nil for none.
  package var layerDecay: Double?
  /// Slow weights behind the optimizer; nil for none.
  package var lookahead: LookaheadConfiguration?
  /// Sharpness-aware minimization around the optimizer; nil for none.
  package var sam: SAMConfiguration?

  package init() {}

  /// Chooses a rule with its options, at its own learning rate and weight decay.
  package init<Spec: OptimizerSpec>(_ spec: Spec) {
    lr = Spec.learningRate
    weightDecay = Spec.weightDecay
    choose(spec)
  }

  /// The rules that can be named.
  package static var optionTypes: [any ConfigurationOption.Type] {
    OptimizerRegistry.all.map { $0 }
  }

  /// The keys that go with every rule.
  package static var sharedFields: [ConfigurationField<Self>] {
    [
      .init("name", \.name, "update rule"),
      .init("lr", \.lr, .atLeast(0), "learning rate; \(defaults { $0.learningRate })"),
      .init(
        "weight_decay", \.weightDecay, .atLeast(0),
        "weight decay, decoupled or an L2 penalty; \(defaults { $0.weightDecay })"),
      .init("clip_norm", \.clipNorm, .above(0), "largest global norm of the gradient"),
      .init("clip_value", \.clipValue, .above(0), "largest magnitude in the gradient"),
      .init(
        "clip_weights", \.clipWeights, .above(0),
        "largest magnitude of a parameter after each update, as a Wasserstein critic's"),
      .init(
        "no_decay", \.noDecay,
        "parameters without weight decay, and without trust ratio in lars and lamb: bias, norm, "
          + "or patterns of names"),
      .init("groups", \.groups, "parameters with settings of their own; the first match counts"),
      .init("constraints", \.constraints, "conditions that parameters are to keep"),
      .init(
        "layer_decay", \.layerDecay, .within(0.001...1),
        "learning rate of a layer over that of the layer behind it; the last has lr"),
      .init("lookahead", \.lookahead, "slow weights behind the optimizer"),
      .init("sam", \.sam, "sharpness-aware minimization around the optimizer"),
    ]
  }

  /// Conditions on parameters, their bound, and a decay over the layers are written where there are any.
  package static var unwrittenDefaults: Set<String> {
    ["clip_weights", "constraints", "layer_decay"]
  }

  /// Gradients are limited in one way.
  package static var sharedAlternatives: [[String]] { [["clip_norm", "clip_value"]] }

  /// The keys that are written under every name.
  package static var writtenKeys: [String] {
    [
      "name", "lr", "momentum", "dampening", "nesterov", "weight_decay", "decoupled_weight_decay",
      "betas", "eps", "amsgrad", "adjust_lr_fn", "ns_steps", "momentum_decay", "lr_decay",
      "initial_accumulator_value", "rho", "alpha", "centered", "trust_coefficient", "max_iter",
      "max_eval", "tolerance_grad", "tolerance_change", "history_size", "line_search_fn",
      "clip_norm", "clip_value", "no_decay", "groups", "lookahead", "sam",
    ]
  }

  /// The rules of groups of parameters go by the section's options too.
  package var otherNames: [Name] { groups.compactMap(\.name) }

  /// The names of groups in a mapping that is not read yet.
  package static func otherNames(in node: ConfigurationNode) -> [String] {
    guard case .list(let groups)? = node["groups"]?.value else { return [] }
    return groups.compactMap { group in
      if case .string(let name)? = group["name"]?.value { name } else { nil }
    }
  }

  /// Completes defaults that depend on the rule.
  package mutating func resolve(given: Set<String>) {
    let type = type(of: spec)
    if !given.contains("lr") { lr = type.learningRate }
    if !given.contains("weight_decay") { weightDecay = type.weightDecay }
  }

  package func problems() -> [ConfigurationProblem] {
    var problems = optionProblems()
    if clipNorm != nil, clipValue != nil {
      problems.append(
        .init("clip_value", "clip_norm", message: "give either clip_norm or clip_value"))
    }
    if let whole = spec as? any WholeGradientSpec {
      let penalizes = type(of: whole).takesPenalty
      let others: [(String, Bool)] = [
        ("weight_decay", weightDecay != 0 && !penalizes), ("clip_norm", clipNorm != nil),
        ("clip_value", clipValue != nil), ("clip_weights", clipWeights != nil),
        ("no_decay", !noDecay.isEmpty && !penalizes),
        (
          "groups",
          groups.contains {
            $0.name != nil || $0.lr != nil || ($0.weightDecay != nil && !penalizes)
          }
        ),
        ("constraints", !constraints.isEmpty), ("layer_decay", layerDecay != nil),
        ("lookahead", lookahead != nil), ("sam", sam != nil),
      ]
      for (key, isGiven) in others where isGiven {
        let message = "\(name.rawValue) goes by the plain gradient, without it"
        problems.append(.init(key, "name", message: message))
      }
    }
    return problems
  }

  /// The default of a number under each rule, as `0.01 for sgd, adagrad, 0.001 for adam`.
  private static func defaults(_ value: (any OptimizerSpec.Type) -> Double) -> String {
    var names: [(value: Double, names: [String])] = []
    for type in OptimizerRegistry.all {
      if let index = names.firstIndex(where: { $0.value == value(type) }) {
        names[index].names.append(type.word)
      } else {
        names.append((value(type), [type.word]))
      }
    }
    return names.map {
      "\(Format.significant($0.value, 6)) for \($0.names.joined(separator: ", "))"
    }
    .joined(separator: "; ")
  }
}

extension OptimizerConfiguration {
  /// The chosen rule with its options.
  package var spec: any OptimizerSpec { chosenOption as? any OptimizerSpec ?? SGDSpec() }

  /// Makes the update rule that the configuration or a group of it names.
  ///
  /// - Parameters:
  ///   - group: a group of the configuration; nil for parameters in none.
  ///   - decays: whether weight decay holds for the parameters; false where `no_decay` names them.
  /// - Throws: `OptimizerError` on values outside the rule's range, which a configuration that was
  ///   read does not have.
  package func makeOptimizer(
    _ group: OptimizerGroupConfiguration? = nil, decays: Bool = true
  ) throws -> any Optimizer {
    let spec = group?.name.flatMap { option(of: $0) as? any OptimizerSpec } ?? spec
    return try spec.makeOptimizer(
      weightDecay: decays ? group?.weightDecay ?? weightDecay : 0, adapts: decays)
  }

  func demands(key: String) -> [Demand] {
    let passes: Set<Capability> = [.gradientExchange, .wholeGradient, .repeatedPasses]
    return [
      sam.map { _ in Demand(key: key, name: "sam", needs: passes) },
      spec is any WholeGradientSpec ? Demand(key: key, name: name.rawValue, needs: passes) : nil,
      constraints.isEmpty
        ? nil : Demand(key: key, name: "constraints", needs: [.gradientExchange]),
    ].compactMap(\.self)
  }
}
