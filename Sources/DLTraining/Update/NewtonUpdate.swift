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
    let (run, optimizer) = (phase.run, phase.optimizer)
    return try run.clock.measure(.optimizer) {
      var buffers: [UInt8]?
      optimizer.verifyChecksums()
      try phase.reportCorruption()
      do {
        let loss = try newton.step(
          optimizer.state.whole, rate: phase.multiplier,
          gradient: {
            let loss = try phase.gradient()
            // Further on the line search may look at points where nothing is finite, and comes back.
            guard buffers == nil else { return loss }
            buffers = Array(run.arena.bufferBytes)
            guard try phase.checkedScale(loss: loss) != nil else { throw SkippedStep(loss: loss) }
            optimizer.willUpdate()
            return loss
          }, product: { try phase.hessianProduct(with: $0) })
        // Running statistics take part in the first pass alone.
        if let buffers { run.arena.bufferBytes.copyBytes(from: buffers) }
        optimizer.renewChecksums()
        phase.noteUpdate()
        return loss
      } catch let skipped as SkippedStep {
        phase.skip()
        return skipped.loss
      }
    }
  }
}

/// Ends a step before it has moved anything.
private struct SkippedStep: Error {
  let loss: Double
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
