import DLCluster
import DLOptimizers
import DLTensor

/// A step of Newton's method on the step's batch, which should be all rows: one gradient, products
/// of the Hessian with vectors, and the losses of a line search, each of them over all ranks.
final class NewtonUpdate: UpdateStrategy {
  private let phase: PhaseStep
  private let newton: Newton

  private init(_ phase: PhaseStep, _ newton: Newton) {
    self.phase = phase
    self.newton = newton
  }

  static func make(for phase: PhaseStep) throws -> NewtonUpdate? {
    let (optimizer, run) = (phase.optimizer, phase.run)
    guard let spec = optimizer.configuration.spec as? NewtonSpec else { return nil }
    let row = try run.data.train.rowsOfZeros(
      inputs: run.data.transform.outputType, context: run.context)
    let obstacle = try run.task.secondDerivativeObstacle(
      row, phase: phase.index, of: optimizer.learning(run.arena).map(\.parameter),
      context: run.context)
    if let obstacle {
      throw TensorError(
        op: "optimizer", "newton takes second derivatives, and \(obstacle); take lbfgs")
    }
    return NewtonUpdate(
      phase,
      try Newton(
        spec.options(
          learningRate: optimizer.configuration.lr, decays: optimizer.groups.decays),
        count: optimizer.shards.ownedCount, dtype: run.arena.dtype))
  }

  func update() throws -> Double {
    try phase.search(keepsStatistics: false) { gradient in
      try newton.step(
        phase.optimizer.state.whole, rate: phase.multiplier, gradient: gradient,
        product: { try phase.hessianProduct(with: $0) })
    }
  }
}

extension ParameterGroups {
  /// The L2 penalties of parameters under ``PenalizedRule``, by their elements.
  fileprivate var decays: [(range: Range<Int>, weight: Double)] {
    update.members.compactMap { member in
      let group = update.groups[member.group]
      guard !group.isFrozen, let rule = group.rule as? PenalizedRule, rule.weightDecay > 0 else {
        return nil
      }
      return (member.range, rule.weightDecay)
    }
  }
}
