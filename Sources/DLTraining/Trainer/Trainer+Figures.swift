import DLCluster
import DLCore
import DLLayers
import DLTensor

extension Trainer {
  /// The job's name: the configuration's, or that of its model.
  package var name: String { run.name }

  /// This rank's parameters, gradients and buffers.
  package var arena: ParameterArena { run.arena }

  /// The number of trained elements.
  package var parameterCount: Int { run.arena.parameterCount }

  /// The bytes of optimizer state on this rank.
  package var stateBytes: Int {
    run.optimizers.flatMap(\.state.all).reduce(0) { $0 + $1.vector.byteCount }
  }

  /// Tensor buffers taken from the system so far; it stands still once a step is warm.
  package var poolAllocations: Int { run.context.pool.systemAllocations }

  /// The largest number of times that a step goes forward and backward over a batch.
  package var passes: Int {
    zip(phases, strategies).map { $0.optimizer.phase.repeats * $1.passes }.max() ?? 1
  }

  /// Takes the time of each op on rank 0; nil unless that is wanted.
  package var profile: OpProfile? { run.profile }

  /// Collectives of a step beside those of layers.
  ///
  /// In each phase an agreement on the denominator; one on the loss, the gradient's sum and its
  /// squares, for each gradient; a wait for the update; and what the rule needs.
  package var collectives: Int {
    zip(phases, strategies).reduce(0) { sum, phase in
      let optimizer = phase.0.optimizer
      let buckets = optimizer.shards.buckets.count
      let update = phase.1.passes * (2 + buckets) + buckets + optimizer.groups.update.sumsPerStep
      return sum + 1 + optimizer.phase.repeats * update
    }
  }
}
