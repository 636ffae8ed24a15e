import DLConfiguration
import DLOptimizers

/// Parameters that go by settings of their own, as one of PyTorch's `param_groups`.
package struct OptimizerGroupConfiguration: ConfigurationSection {
  /// The parameters: a pattern over their names, `bias`, `norm`, or several parted by `|`.
  package var match = ""
  /// Their rule, by the optimizer's options; the optimizer's unless given.
  package var name: OptimizerConfiguration.Name?
  /// Their learning rate before the schedule; the optimizer's unless given.
  package var lr: Double?
  /// Their weight decay; the optimizer's unless given.
  package var weightDecay: Double?
  /// True if they stay as they are.
  package var frozen = false

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "match", \.match, required: true,
        "parameter names with * for any characters, or bias, or norm; alternatives parted by |"),
      .init("name", \.name, "update rule, if another; the optimizer's options hold for it too"),
      .init("lr", \.lr, .atLeast(0), "learning rate before the schedule, if another"),
      .init("weight_decay", \.weightDecay, .atLeast(0), "weight decay, if another"),
      .init("frozen", \.frozen, "whether they are not trained"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    if frozen, name != nil || lr != nil || weightDecay != nil {
      return [
        .init("frozen", "name", "lr", "weight_decay", message: "frozen parameters need no others")
      ]
    }
    if let name, name == .init(LBFGSSpec.self) || name == .init(NewtonSpec.self) {
      let message = "\(name.rawValue) goes over all parameters at once, not over a group"
      return [.init("name", message: message)]
    }
    if name != nil, lr == nil {
      return [.init("name", message: "needs a lr of its own, rates of two rules differ")]
    }
    return []
  }
}

/// Slow weights that follow the trained ones.
package struct LookaheadConfiguration: ConfigurationSection {
  /// Steps between two of the slow weights.
  package var k = 5
  /// The step size of the slow weights.
  package var alpha = 0.5

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("k", \.k, .atLeast(1), "steps between two of the slow weights"),
      .init("alpha", \.alpha, .within(0...1), "step size of the slow weights"),
    ]
  }
}

/// Sharpness-aware minimization.
package struct SAMConfiguration: ConfigurationSection {
  /// The size of the step aside at which the gradient is taken.
  package var rho = 0.05

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [.init("rho", \.rho, .atLeast(0), "size of the step aside at which the gradient is taken")]
  }
}
