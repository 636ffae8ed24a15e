import DLCluster
import DLData
import DLOptimizers
import DLTensor

extension Trainer {
  /// The gradient at the weights a step aside, for sharpness-aware minimisation; weights and running
  /// statistics stay.
  ///
  /// - Returns: the loss there.
  func gradient(
    aside sam: SharpnessAwareness, _ index: Int, _ batch: StepBatch
  ) throws -> Double {
    try refuseCarriedState("optimizer.sam")
    let buffers = Array(arena.bufferBytes)
    let slice = phases[index].state.whole
    sam.ascend(slice)
    defer {
      sam.descend(slice)
      arena.bufferBytes.copyBytes(from: buffers)
    }
    return try gradient(index, batch)
  }

  /// A step of L-BFGS on the step's batch, which should be all rows.
  ///
  /// - Returns: the loss before it.
  func updateByLBFGS(
    _ index: Int, _ batch: StepBatch, multiplier: Double, buffers: [UInt8]
  ) throws -> Double {
    let phase = phases[index]
    guard let lbfgs = phase.lbfgs else { return .nan }
    var isFirst = true
    phase.verifyChecksums()
    try local { try phase.throwCorruption(step: position.step + 1, arena) }
    do {
      let loss = try lbfgs.step(phase.state.whole, rate: multiplier) {
        let loss = try gradient(index, batch)
        // Further on a line search may look at points where nothing is finite, and comes back.
        guard isFirst else { return loss }
        isFirst = false
        try refuseCarriedState("optimizer.name")
        guard try gradientScale(phase, batch, loss: loss) != nil else {
          throw SkippedStep(loss: loss)
        }
        phase.didBegin()
        return loss
      }
      phase.renewChecksums()
      position.updates[index] = phase.updates
      return loss
    } catch let skipped as SkippedStep {
      arena.bufferBytes.copyBytes(from: buffers)
      return skipped.loss
    }
  }

  /// Rejects several passes over one batch where each moves on a state.
  func refuseCarriedState(_ key: String) throws {
    guard try task.carriedState.isEmpty else {
      throw TensorError(
        op: key,
        "goes over a batch several times, and this model carries state from batch to batch")
    }
  }
}

/// Ends a step of L-BFGS before it has moved anything.
private struct SkippedStep: Error {
  let loss: Double
}
