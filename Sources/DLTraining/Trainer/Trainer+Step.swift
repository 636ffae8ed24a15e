import CKernels
import DLCluster
import DLData
import DLOptimizers
import DLTensor

/// What one step came to.
struct StepOutcome {
  var loss = 0.0
  var parts: [(name: String, loss: Double)] = []
  let rows: Int
  let epoch: Int
  let learningRate: Double
  let stop: Bool
}

extension Trainer {
  /// Makes one optimizer step from the loader's next batch: an update for each phase of the task.
  func step(_ loader: BatchLoader) throws -> StepOutcome {
    context.step = position.step
    context.isTraining = true
    defer { context.isTraining = false }

    var loaded: StepBatch?
    try clock.measure(.dataWait) {
      try local {
        loaded = try loader.next()
        if let loaded { try prepare(loaded) }
      }
    }
    defer { batches.removeAll(keepingCapacity: true) }
    var stop = false
    for phase in phases {
      let agreed = try exchange.agree(
        phase.ownDenominator, stop: options.shouldStop(),
        "load the rows of step \(position.step + 1)")
      phase.denominator = agreed.sum
      stop = stop || agreed.stop
    }
    guard let batch = loaded else {
      throw DataError("the data ended at step \(position.step + 1)", exitCode: .fault)
    }

    let multiplier = schedule.multiplier(step: position.step) * (plateau?.multiplier ?? 1)
    var outcome = StepOutcome(
      rows: batch.globalRows, epoch: batch.cursor.epoch,
      learningRate: phases[0].configuration.lr * multiplier, stop: stop)
    for index in phases.indices {
      let loss = try update(index, batch, multiplier: multiplier)
      outcome.loss += loss
      if phases.count > 1 { outcome.parts.append((phases[index].phase.name, loss)) }
    }
    return outcome
  }

  /// Makes the tensors of this rank's rows, and its part of each phase's denominator: known before
  /// the first forward.
  private func prepare(_ step: StepBatch) throws {
    for (index, micro) in step.microBatches.enumerated() {
      var batch = try micro.tensors(of: data.train, data.transform, context)
      batch.index = index
      batch.longestRow = micro.longestRow
      batch.startsEpoch = step.cursor.step == 0
      batches.append(batch)
    }
    for (index, phase) in phases.enumerated() {
      phase.ownDenominator = try batches.reduce(0) {
        try $0 + task.denominator($1, phase: index)
      }
    }
  }

  /// One phase: forward and backward, the sum of the gradients over the ranks, the update.
  ///
  /// - Returns: the phase's mean loss over the global batch.
  private func update(_ index: Int, _ batch: StepBatch, multiplier: Double) throws -> Double {
    let phase = phases[index]
    let buffers = configuration.nonFinite == .skip ? Array(arena.bufferBytes) : []
    if phase.lbfgs != nil {
      if index == 0 { try checkIfDue() }
      return try clock.measure(.optimizer) {
        try updateByLBFGS(index, batch, multiplier: multiplier, buffers: buffers)
      }
    }
    let loss = try stepsLocally ? localGradient(index, batch) : gradient(index, batch)
    if index == 0, !stepsLocally { try checkIfDue() }
    var scale = try clock.measure(.optimizer) { try gradientScale(phase, batch, loss: loss) }
    if scale != nil, let sam = phase.sam {
      let loss = try gradient(aside: sam, index, batch)
      scale = try clock.measure(.optimizer) { try gradientScale(phase, batch, loss: loss) }
    }
    if let scale {
      try clock.measure(.optimizer) {
        try phase.update(multiplier: multiplier, gradientScale: scale, arena, communicator)
      }
      try clock.measure(.reduction) {
        try publish(phase)
      }
      try local { try phase.throwCorruption(step: position.step + 1, arena) }
      position.updates[index] = phase.updates
    } else {
      // The forward pass has put what is not finite into the running statistics too.
      arena.bufferBytes.copyBytes(from: buffers)
    }
    return loss
  }

  /// Brings the arena's gradients to those of a phase at the present weights, summed over the
  /// ranks within this rank's share, and takes their squares.
  ///
  /// - Returns: the phase's mean loss over the global batch.
  func gradient(_ index: Int, _ batch: StepBatch) throws -> Double {
    let phase = phases[index]
    arena.resetGradients()
    let lossSum = try forwardAndBackward(batch, phase: index, seed: 1 / phase.denominator)
    if phase.overlap == nil {
      arena.completeGradients()
      phase.clearFrozenGradients(arena)
    }
    let loss =
      try exchange.agree(lossSum, stop: false, "sum the loss").sum / phase.denominator
    try clock.measure(.reduction) { try reduce(phase) }
    return loss
  }

  private func reduce(_ phase: UpdatePhase) throws {
    let (arena, shares) = (arena, phase.shares)
    if let overlap = phase.overlap {
      communicator.progress?.arrive()
      try overlap.reduction.finish()
    }
    try phase.squares.withUnsafeMutableBufferPointer { squares in
      squares.update(repeating: 0)
      for bucket in shares.buckets {
        var place = bucket.ownBlocks.lowerBound
        func takeSquares(_ block: Range<Int>) {
          squares[place] = arena.squareSum(of: block)
          place += 1
        }
        let blocks = shares.blocks[bucket.ownBlocks]
        if phase.overlap != nil {
          blocks.forEach(takeSquares)
        } else {
          try arena.exchange.reduce(
            bucket.cuts, blocks: blocks, type: arena.dtype.element, summed: takeSquares)
        }
      }
      try phase.sum(squares, arena, communicator)
    }
  }

  /// Makes known what the ranks have written into their shares of a phase's parameters.
  private func publish(_ phase: UpdatePhase) throws {
    for bucket in phase.shares.buckets {
      try arena.exchange.publish(bucket.cuts, type: arena.dtype.element)
    }
  }

  /// This rank's loss sum; gradients of the loss divided by the global denominator are in the
  /// arena.
  func forwardAndBackward(_ step: StepBatch, phase: Int, seed: Double) throws -> Double {
    var total = 0.0
    var firstRow = 0
    let overlap = phases[phase].overlap
    defer { context.gradientWatch = nil }
    for (micro, batch) in zip(step.microBatches, batches) {
      // A gradient is complete when the last micro-batch has added to it.
      if batch.index == step.microBatches.count - 1 { context.gradientWatch = overlap?.start() }
      context.beginForward(rowOffset: firstRow + micro.rowOffset)
      let sum = try clock.measure(.forward) {
        try context.recording { try task.lossSum(batch, phase: phase) }
      }
      total += sum.scalar
      try clock.measure(.backward) { try context.backward(sum, seed: seed) }
      firstRow += micro.globalRows
    }
    return total
  }

  /// The factor that clips the reduced gradient; nil where the step is to be skipped.
  ///
  /// Every rank has the squares of all blocks, or of a step of its own has heard of the others', and
  /// comes to the same answer.
  func gradientScale(_ phase: UpdatePhase, _ batch: StepBatch, loss: Double) throws -> Double? {
    let nonFinite = phase.squares.firstIndex(where: \.isNaN)
    let isElsewhere = nonFinite == nil && phase.isNonFiniteSomewhere
    if nonFinite != nil || isElsewhere || !loss.isFinite {
      // It may be the memory and not the numbers.
      try verifyState(step: position.step + 1, comparesCopies: !stepsLocally)
      let parameter = nonFinite.flatMap { arena.parameter(at: phase.shares.blocks[$0].lowerBound) }
      var error = NonFiniteError(
        step: position.step + 1, isFirstUpdate: phase.updates == 0,
        cause: phase.denominator == 0
          ? .noLabels
          : nonFinite != nil || isElsewhere ? .gradient(parameter: parameter?.name) : .loss)
      guard configuration.nonFinite == .skip else {
        hasDiverged = error.cause != .noLabels
        if let row = try nonFiniteRow(phase, batch) {
          error.row = .init(file: configuration.data.train ?? "data.synthetic", number: row)
        }
        return try communicator.agreed("check the gradient") {
          // A rank that knows which gradient it is tells all.
          if !isElsewhere { throw error }
          return nil
        }
      }
      report("\(error); the step was skipped")
      return nil
    }
    if let maxValue = phase.configuration.clipValue {
      for share in phase.state.slices { GradientClipping.clip(share.slice, maxValue: maxValue) }
    }
    guard let maxNorm = phase.configuration.clipNorm else { return 1 }
    let norm = phase.squares.reduce(0, +).squareRoot()
    return GradientClipping.scale(norm: norm, maxNorm: maxNorm)
  }
}

extension MicroBatch {
  /// The rows as tensors over the loader's buffers; values as labels are converted to the job's
  /// precision.
  func tensors(of dataset: any Dataset, _ transform: InputTransform, _ context: Context) throws
    -> Batch
  {
    let x = Tensor(
      borrowing: x, shape: Shape(dataset.inputShape).prepending(rows),
      dtype: transform.outputType, owner: nil, context: context)
    let labelShape = Shape(dataset.labelShape).prepending(rows)
    let y = Tensor(
      borrowing: y, shape: labelShape, dtype: dataset.labelType, owner: nil, context: context)
    guard dataset.labelType == .float32, context.precision == .float64 else {
      return Batch(x: x, y: y)
    }
    let converted = try Tensor.empty(labelShape, dtype: .float64, context: context)
    dl_cast(DL_F32, y.pointer, DL_F64, converted.pointer, y.count)
    return Batch(x: x, y: converted)
  }
}
