import CKernels
import DLCluster
import DLData
import DLOptimizers
import DLTensor

/// A gradient or loss that is no number: the step was not made.
public struct NonFiniteError: DLError {
  /// The optimizer step, counted from 1.
  public let step: Int
  /// The first parameter whose gradient is concerned; nil where the loss alone is.
  public let parameter: String?

  /// The configuration's learning rate, loss or data are to be changed.
  public var exitCode: ExitCode { .usage }

  /// One line.
  public var description: String {
    let place = parameter.map { "the gradient of \($0)" } ?? "the loss"
    return
      "step \(step): \(place) is not finite, the last checkpoint stands; lower optimizer.lr, set "
      + "optimizer.clip_norm or warm up"
  }
}

/// What one step came to.
struct StepOutcome {
  let loss: Double
  let rows: Int
  let epoch: Int
  let learningRate: Double
  let stop: Bool
}

extension Trainer {
  /// Elements per partial sum of squares; fixed, so that the norm does not depend on the number of
  /// ranks.
  static let normBlock = 16_384

  /// Makes one optimizer step from the loader's next batch.
  func step(_ loader: BatchLoader) throws -> StepOutcome {
    context.step = position.step
    context.isTraining = true
    defer { context.isTraining = false }

    var loaded: StepBatch?
    var denominator = 0.0
    try local {
      loaded = try loader.next()
      if let loaded { denominator = try localDenominator(loaded) }
    }
    let agreed = try exchange.agree(
      denominator, stop: options.shouldStop(), "load the rows of step \(position.step + 1)")
    guard let batch = loaded else {
      throw DataError("the data ended at step \(position.step + 1)", exitCode: .fault)
    }

    let buffers = configuration.nonFinite == .skip ? Array(arena.bufferBytes) : []
    arena.resetGradients()
    let lossSum = try forwardAndBackward(batch, seed: 1 / agreed.sum)
    arena.completeGradients()
    let loss = try exchange.agree(lossSum, stop: false, "sum the loss").sum / agreed.sum
    try communicator.allreduceSum(arena.gradients, count: arena.count, type: arena.dtype.element)

    let rate = configuration.optimizer.lr * schedule.multiplier(step: position.step)
    if let scale = try gradientScale(loss: loss) {
      position.updates += 1
      optimizer.update(
        optimizerState.slice,
        scalars: StepScalars(step: position.updates, learningRate: rate, gradientScale: scale))
    } else {
      // The forward pass has put what is not finite into the running statistics too.
      arena.bufferBytes.copyBytes(from: buffers)
    }
    return StepOutcome(
      loss: loss, rows: batch.globalRows, epoch: batch.cursor.epoch, learningRate: rate,
      stop: agreed.stop)
  }

  /// This rank's denominator over all micro-batches: known before the first forward.
  private func localDenominator(_ step: StepBatch) throws -> Double {
    try step.microBatches.reduce(0) {
      try $0 + task.denominator($1.tensors(of: data.train, data.transform, context))
    }
  }

  /// This rank's loss sum; gradients of the loss divided by the global denominator are in the
  /// arena.
  private func forwardAndBackward(_ step: StepBatch, seed: Double) throws -> Double {
    var total = 0.0
    var firstRow = 0
    for micro in step.microBatches {
      context.beginForward(rowOffset: firstRow + micro.rowOffset)
      let sum = try context.recording {
        try task.lossSum(micro.tensors(of: data.train, data.transform, context))
      }
      total += sum.scalar
      try context.backward(sum, seed: seed)
      firstRow += micro.globalRows
    }
    return total
  }

  /// The factor that clips the reduced gradient; nil where the step is to be skipped.
  ///
  /// Every rank holds the same gradient and comes to the same answer.
  private func gradientScale(loss: Double) throws -> Double? {
    let blocks = (arena.count + Trainer.normBlock - 1) / Trainer.normBlock
    return try withUnsafeTemporaryAllocation(of: Double.self, capacity: max(blocks, 1)) {
      partials in
      var isNonFinite: Int32 = 0
      partials.initialize(repeating: 0)
      if let base = partials.baseAddress {
        dl_square_sum_blocks(
          arena.dtype.kernel, arena.gradients, arena.count, Trainer.normBlock, base, &isNonFinite)
      }
      if isNonFinite != 0 || !loss.isFinite {
        let error = NonFiniteError(
          step: position.step + 1, parameter: isNonFinite != 0 ? firstNonFinite() : nil)
        guard configuration.nonFinite == .skip else {
          return try communicator.agreed("check the gradient") { throw error }
        }
        report("\(error); the step was skipped")
        return nil
      }
      guard let maxNorm = configuration.optimizer.clipNorm else { return 1 }
      let norm = partials.reduce(0, +).squareRoot()
      return GradientClipping.scale(norm: norm, maxNorm: maxNorm)
    }
  }

  private func firstNonFinite() -> String? {
    for parameter in arena.parameters {
      guard let gradient = try? parameter.value.gradient else { continue }
      var isNonFinite: Int32 = 0
      var sum = 0.0
      dl_square_sum_blocks(
        gradient.dtype.kernel, gradient.pointer, gradient.count, gradient.count, &sum, &isNonFinite)
      if isNonFinite != 0 { return parameter.name }
    }
    return nil
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
