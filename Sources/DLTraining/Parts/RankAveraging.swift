import DLCluster
import DLLayers
import DLTensor

/// The averaging of the ranks in local SGD (`local_sgd:`): after each period all ranks take the mean
/// of what they have come to.
///
/// It is that of the parameters that are trained, of the optimizers' state and of running statistics;
/// each rank counts the same. Counterpart: PyTorch's `PostLocalSGDOptimizer`, which averages
/// parameters alone.
final class RankAveraging: TrainerPart {
  private let run: TrainingRun
  private let times: PeriodicSteps

  private init(_ run: TrainingRun, _ times: PeriodicSteps) {
    self.run = run
    self.times = times
  }

  static func make(for run: TrainingRun) -> RankAveraging? {
    guard run.communicator.size > 1 else { return nil }
    return run.localSGD.map { RankAveraging(run, $0) }
  }

  func didStep() throws {
    let step = run.position.step
    guard step >= times.start else { return }
    try run.clock.measure(.reduction) {
      if step == times.start {
        // A checkpoint of the steps before has the first rank's.
        if !run.configuration.syncBatchNorm {
          try run.communicator.broadcast(run.arena.bufferBytes, root: 0)
        }
      } else if run.ranksAreEqual {
        try average()
      }
    }
  }

  private func average() throws {
    for optimizer in run.optimizers {
      try run.averageOverRanks(
        run.arena.values, optimizer.trainedRanges, from: optimizer.shards.elements.lowerBound)
      for (_, vector) in optimizer.state.all {
        try run.averageOverRanks(vector.pointer, optimizer.trainedRanges)
      }
    }
    if !run.configuration.syncBatchNorm {
      for case let norm as BatchNorm in run.arena.modules {
        for tensor in try [norm.runningMean.value, norm.runningVar.value] {
          try run.averageOverRanks(tensor.pointer, CollectionOfOne(0..<tensor.count))
        }
      }
    }
    // Its direction follows the weights of its rank.
    for case let norm as SpectralNorm in run.arena.modules {
      let vector = try norm.weightU.value
      try run.averageOverRanks(vector.pointer, CollectionOfOne(0..<vector.count))
    }
    for optimizer in run.optimizers { optimizer.renewChecksums() }
  }
}
