import CKernels
import DLCluster
import DLLayers
import DLOptimizers
import DLTensor

/// A phase of the step in work on this rank: what every update strategy is made of.
///
/// A plain step is ``gradient()`` and then ``apply(loss:)``.
final class PhaseStep {
  let run: TrainingRun
  /// The place of the phase among those of the task.
  let index: Int
  let optimizer: PhaseOptimizer
  private let rows: StepRows
  /// The sums of squares of the reduced gradient, per block; not a number where a gradient is none.
  private(set) var squares: [Double]
  /// The agreed denominator of the step.
  var denominator = 0.0
  /// This rank's part of it.
  var ownDenominator = 0.0
  /// The factor of the learning rate in this step.
  var multiplier = 1.0
  /// Checks the memory where a number is found that is none: the memory may be at fault, and not
  /// the numbers.
  var suspectMemory: () throws -> Void = {}
  /// True if in a step of each rank by itself any has a gradient that is not finite.
  private var isNonFiniteSomewhere = false
  /// The running statistics before the step, to go back to where it is skipped.
  private var buffersBefore: [UInt8] = []

  init(_ run: TrainingRun, index: Int, rows: StepRows) {
    self.run = run
    self.index = index
    self.rows = rows
    optimizer = run.optimizers[index]
    squares = [Double](repeating: 0, count: optimizer.shards.blocks.count)
  }

  /// Takes up the next step.
  func begin(multiplier: Double) {
    self.multiplier = multiplier
    if run.configuration.nonFinite == .skip { buffersBefore = Array(run.arena.bufferBytes) }
  }

  /// Brings the arena's gradients to those of the phase at the present weights, summed over the
  /// ranks within this rank's shard, and takes their squares; collective.
  ///
  /// - Returns: the phase's mean loss over the global batch.
  func gradient() throws -> Double {
    let lossSum = try backward(seed: 1 / denominator)
    let loss = try run.exchange.agree(lossSum, stop: false, "sum the loss").sum / denominator
    optimizer.constraints?.look()
    try run.clock.measure(.reduction) { try reduce(optimizer.overlap) }
    return loss
  }

  /// Brings the arena's gradients to the Hessian of the phase's mean loss at the present weights
  /// times a vector, summed over the ranks; collective.
  func hessianProduct(with vector: ArenaVector) throws {
    try rows.hessianProduct(
      phase: index, seed: 1 / denominator, with: vector, over: optimizer.shards.elements,
      of: optimizer.learning(run.arena))
    try run.clock.measure(.reduction) { try reduce(nil) }
  }

  /// Brings the arena's gradients to those over this rank's rows alone, and takes their squares.
  ///
  /// The gradient is that of the mean over this rank's labels; without any it is 0.
  ///
  /// - Returns: the phase's mean loss over the global batch.
  func ownGradient() throws -> Double {
    let lossSum = try backward(seed: ownDenominator == 0 ? 0 : 1 / ownDenominator)
    run.clock.measure(.optimizer) {
      for (index, block) in optimizer.shards.blocks.enumerated() {
        squares[index] = run.arena.squareSum(of: block)
      }
    }
    let isNonFinite = squares.contains(where: \.isNaN)
    let agreed = try run.exchange.agree(lossSum, stop: isNonFinite, "sum the loss")
    isNonFiniteSomewhere = agreed.stop
    return agreed.sum / denominator
  }

  /// Goes forward and backward over this rank's rows.
  ///
  /// - Parameter seed: what each row's loss counts: the gradients are those of the sum times it.
  /// - Returns: the loss's sum over this rank's rows.
  private func backward(seed: Double) throws -> Double {
    run.arena.resetGradients()
    let lossSum = try rows.forwardAndBackward(
      phase: index, seed: seed, overlap: optimizer.overlap)
    if optimizer.overlap == nil {
      run.arena.completeGradients()
      optimizer.clearFrozenGradients(run.arena)
    }
    return lossSum
  }

  /// Sums the gradients over the ranks, each rank its shard, and their squares; collective.
  ///
  /// - Parameter overlap: what has begun with it during the backward pass; nil for nothing.
  private func reduce(_ overlap: BucketedReducer?) throws {
    let (arena, shards) = (run.arena, optimizer.shards)
    if let overlap {
      run.communicator.progress?.arrive()
      try overlap.reduction.finish()
    }
    try squares.withUnsafeMutableBufferPointer { squares in
      squares.update(repeating: 0)
      for bucket in shards.buckets {
        var next = bucket.ownedBlocks.lowerBound
        func takeSquares(_ block: Range<Int>) {
          optimizer.constraints?.addGradients(to: block)
          squares[next] = arena.squareSum(of: block)
          next += 1
        }
        let blocks = shards.blocks[bucket.ownedBlocks]
        if overlap != nil {
          blocks.forEach(takeSquares)
        } else {
          try arena.exchange.reduce(
            bucket.bounds, blocks: blocks, type: arena.dtype.element, summed: takeSquares)
        }
      }
      try optimizer.sum(squares, arena, run.communicator)
    }
  }

  /// The factor that clips the reduced gradient; nil where the step is to be skipped.
  ///
  /// Every rank has the squares of all blocks, or of a step of its own has heard of the others', and
  /// comes to the same answer.
  ///
  /// - Throws: ``NonFiniteError`` on every rank where loss or gradient is no number, unless such
  ///   steps are skipped.
  func checkedScale(loss: Double) throws -> Double? {
    try run.clock.measure(.optimizer) {
      let nonFinite = squares.firstIndex(where: \.isNaN)
      let isElsewhere = nonFinite == nil && isNonFiniteSomewhere
      guard nonFinite == nil, !isElsewhere, loss.isFinite else {
        try refuse(block: nonFinite, isElsewhere: isElsewhere)
        return nil
      }
      let settings = optimizer.configuration
      if let maxValue = settings.clipValue {
        for share in optimizer.state.slices {
          GradientClipping.clip(share.slice, maxValue: maxValue)
        }
      }
      guard let maxNorm = settings.clipNorm else { return 1 }
      let norm = squares.reduce(0, +).squareRoot()
      return GradientClipping.scale(norm: norm, maxNorm: maxNorm)
    }
  }

  /// Ends the run for a number that is none, or says that the step is skipped.
  private func refuse(block: Int?, isElsewhere: Bool) throws {
    try suspectMemory()
    let parameter = block.flatMap {
      run.arena.parameter(at: optimizer.shards.blocks[$0].lowerBound)
    }
    var error = NonFiniteError(
      step: run.position.step + 1, isFirstUpdate: optimizer.updates == 0,
      cause: denominator == 0
        ? .noLabels
        : block != nil || isElsewhere ? .gradient(parameter: parameter?.name) : .loss)
    guard run.configuration.nonFinite != .skip else {
      return run.warn("\(error); the step was skipped")
    }
    run.hasDiverged = error.cause != .noLabels
    if optimizer.updates == 0, let row = try rows.firstNonFiniteRow() {
      error.row = .init(file: run.configuration.data.train ?? "data.synthetic", number: row)
    }
    try run.communicator.agreed("check the gradient") {
      // A rank that knows which gradient it is tells all.
      if !isElsewhere { throw error }
    }
  }

  /// Checks the gradient that is there, and updates and publishes the parameters by it, or skips the
  /// step; collective.
  ///
  /// - Parameter loss: the loss that the gradient is of.
  func apply(loss: Double) throws {
    guard let scale = try checkedScale(loss: loss) else { return skip() }
    try update(gradientScale: scale)
    try publish()
    optimizer.constraints?.move(updates: optimizer.updates)
  }

  /// Makes a step that takes several gradients, the first of them at the present weights, or skips it;
  /// collective.
  ///
  /// - Parameters:
  ///   - keepsStatistics: whether running statistics take part in the passes behind the first, as in a closure of
  ///     `torch.optim.LBFGS`.
  ///   - step: moves this rank's parameters by the gradients that it asks for, and returns the loss before.
  /// - Returns: the phase's mean loss over the global batch, before the update.
  func search(
    keepsStatistics: Bool, _ step: (_ gradient: () throws -> Double) throws -> Double
  ) throws -> Double {
    try run.clock.measure(.optimizer) {
      var statistics: [UInt8]?
      optimizer.verifyChecksums()
      try reportCorruption()
      do {
        let loss = try step {
          let loss = try gradient()
          // Further on a line search may look at points where nothing is finite, and comes back.
          guard statistics == nil else { return loss }
          statistics = keepsStatistics ? [] : Array(run.arena.bufferBytes)
          guard try checkedScale(loss: loss) != nil else { throw SkippedStep(loss: loss) }
          optimizer.willUpdate()
          return loss
        }
        if !keepsStatistics, let statistics {
          run.arena.bufferBytes.copyBytes(from: statistics)
        }
        optimizer.renewChecksums()
        noteUpdate()
        return loss
      } catch let skipped as SkippedStep {
        skip()
        return skipped.loss
      }
    }
  }

  /// Ends a step before it has moved anything.
  private struct SkippedStep: Error {
    let loss: Double
  }

  /// Updates this rank's shard of the phase's parameters.
  private func update(gradientScale: Double) throws {
    try run.clock.measure(.optimizer) {
      try optimizer.update(
        multiplier: multiplier, gradientScale: gradientScale, run.arena, run.communicator)
    }
    try reportCorruption()
    noteUpdate()
  }

  /// Makes the updated shards of all ranks known to each (an all-gather); collective.
  private func publish() throws {
    try run.clock.measure(.reduction) {
      for bucket in optimizer.shards.buckets {
        try run.arena.exchange.publish(bucket.bounds, type: run.arena.dtype.element)
      }
    }
  }

  /// Leaves everything as it was before the step: the forward pass has put what is not finite into
  /// the running statistics and the state that is carried too.
  func skip() {
    run.arena.bufferBytes.copyBytes(from: buffersBefore)
    run.task.takeBackCarriedState()
  }

  /// Counts an update that was made.
  func noteUpdate() { run.position.updates[index] = optimizer.updates }

  /// Ends all ranks at the next agreement where an update has found changed memory.
  func reportCorruption() throws {
    try run.local { try optimizer.throwCorruption(step: run.position.step + 1, run.arena) }
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
