import DLOptimizers

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

  /// The options of Newton's method; nil under another name.
  var newton: NewtonSpec? { chosenOption as? NewtonSpec }

  /// True if steps go by the whole gradient at points of the rule's own choice.
  var goesByWholeGradient: Bool { lbfgs != nil || newton != nil }

  /// The options of L-BFGS; nil under another name.
  var lbfgs: LBFGS.Options? { (chosenOption as? LBFGSSpec)?.options(learningRate: lr) }
}
