import CKernels
import DLCluster
import DLData
import DLLayers
import DLTensor

/// Local SGD: every rank steps on the gradient of its own rows, and from time to time all take the
/// mean of what they have come to.
///
/// Whatever leaves the ranks or looks at them, a checkpoint, a validation, the end, is made where
/// they are equal. When that is follows from the configuration alone, so that a run which was stopped
/// goes on as if it had not been. Counterpart: PyTorch's `PostLocalSGDOptimizer`, which averages
/// parameters alone.
extension Trainer {
  /// Whether the step to come is each rank's own.
  var stepsLocally: Bool { localSGD.map { position.step >= $0.start } ?? false }

  /// Whether all ranks hold the same after the steps made so far.
  var ranksAreEqual: Bool {
    guard let localSGD, position.step > localSGD.start else { return true }
    let due = due(after: position.step)
    return localSGD.isDue(afterStep: position.step) || due.validation || due.checkpoint
  }

  /// Brings the arena's gradients to those of a phase over this rank's rows alone, and takes their
  /// squares.
  ///
  /// The gradient is that of the mean over this rank's labels; without any it is 0.
  ///
  /// - Returns: the phase's mean loss over the global batch.
  func localGradient(_ index: Int, _ batch: StepBatch) throws -> Double {
    let phase = phases[index]
    arena.resetGradients()
    let seed = phase.ownDenominator == 0 ? 0 : 1 / phase.ownDenominator
    let lossSum = try forwardAndBackward(batch, phase: index, seed: seed)
    arena.completeGradients()
    phase.clearFrozenGradients(arena)
    clock.measure(.optimizer) {
      for (place, block) in phase.shares.blocks.enumerated() {
        phase.squares[place] = arena.squareSum(of: block)
      }
    }
    let isNonFinite = phase.squares.contains(where: \.isNaN)
    let agreed = try exchange.agree(lossSum, stop: isNonFinite, "sum the loss")
    phase.isNonFiniteSomewhere = agreed.stop
    return agreed.sum / phase.denominator
  }

  /// Takes the mean over the ranks where it is time to.
  ///
  /// It is that of the parameters that are trained, of the optimizers' state and of running
  /// statistics; each rank counts the same.
  func averageRanks() throws {
    guard let localSGD, communicator.size > 1, position.step >= localSGD.start else { return }
    try clock.measure(.reduction) {
      if position.step == localSGD.start {
        // A checkpoint of the steps before has the first rank's.
        if !configuration.syncBatchNorm {
          try communicator.broadcast(arena.bufferBytes, root: 0)
        }
      } else if ranksAreEqual {
        for phase in phases {
          try takeMean(arena.values, phase.trainedRanges, from: phase.shares.elements.lowerBound)
          for (_, vector) in phase.state.all {
            try takeMean(vector.pointer, phase.trainedRanges, from: 0)
          }
        }
        try averageStatistics()
        for phase in phases { phase.renewChecksums() }
      }
    }
  }

  /// Takes the mean of the ranks' means of the weights, where they have taken in other weights.
  func averageMeans() throws {
    guard let localSGD, let average, communicator.size > 1, position.step > localSGD.start else {
      return
    }
    if average.plan.isDue(afterStep: position.step) { average.differsByRank = true }
    guard average.differsByRank, ranksAreEqual else { return }
    average.differsByRank = false
    try clock.measure(.reduction) {
      for phase in phases {
        try takeMean(
          average.mean.values.pointer, phase.trainedRanges,
          from: phase.shares.elements.lowerBound)
      }
    }
  }

  private func averageStatistics() throws {
    guard !configuration.syncBatchNorm else { return }
    for case let norm as BatchNorm in arena.modules {
      for tensor in try [norm.runningMean.value, norm.runningVar.value] {
        try takeMean(tensor.pointer, CollectionOfOne(0..<tensor.count), from: 0)
      }
    }
  }

  /// Brings some elements of an array to their means over the ranks, summed along the fixed tree.
  private func takeMean(
    _ base: UnsafeMutableRawPointer, _ ranges: some Collection<Range<Int>>, from start: Int
  ) throws {
    for range in ranges {
      let first = base + (start + range.lowerBound) * arena.dtype.byteCount
      try communicator.allreduceSum(first, count: range.count, type: arena.dtype.element)
      dl_divide_by(arena.dtype.kernel, range.count, first, Double(communicator.size))
    }
  }
}

extension ParameterArena {
  /// The sum of squares of a block's gradients; not a number where one of them is none.
  func squareSum(of block: Range<Int>) -> Double {
    var isNonFinite: Int32 = 0
    var sum = 0.0
    dl_square_sum_blocks(
      dtype.kernel, gradients + block.lowerBound * dtype.byteCount, block.count,
      max(block.count, 1), &sum, &isNonFinite)
    return isNonFinite == 0 ? sum : .nan
  }
}
