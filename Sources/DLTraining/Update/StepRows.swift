import CKernels
import DLData
import DLLayers
import DLOptimizers
import DLTensor
import Glibc

/// This rank's rows of the step in work, a batch for each micro-batch.
final class StepRows {
  private let run: TrainingRun
  private var step: StepBatch?
  private(set) var batches: [Batch] = []
  /// The update of a phase that is in work.
  var turn = 0 { didSet { run.context.turn = turn } }
  /// The attacker of the inputs; nil for none.
  var adversarial: AdversarialInputs?

  init(_ run: TrainingRun) { self.run = run }

  /// Makes the tensors of the loader's next rows, and this rank's part of each phase's denominator:
  /// known before the first forward.
  ///
  /// - Returns: the step's rows over all ranks; nil where the data have ended.
  func load(from loader: BatchLoader, for phases: [PhaseStep]) throws -> StepBatch? {
    step = try loader.next()
    guard let step else { return nil }
    var firstRow = 0
    for (index, micro) in step.microBatches.enumerated() {
      var batch = try micro.tensors(of: run.data.train, run.data.transform, run.context)
      batch.index = index
      batch.firstRow = firstRow + micro.rowOffset
      firstRow += micro.globalRows
      batch.longestRow = micro.longestRow
      batch.startsEpoch = step.cursor.step == 0
      batches.append(batch)
    }
    for phase in phases {
      phase.ownDenominator = try batches.reduce(0) {
        try $0 + run.task.denominator($1, phase: phase.index)
      }
    }
    return step
  }

  /// Changes the inputs by the present weights, where the job asks for it.
  func attack() throws {
    guard let adversarial, let step else { return }
    var firstRow = 0
    for (index, micro) in step.microBatches.enumerated() {
      batches[index] = try adversarial.changed(
        batches[index], step: run.context.step, firstRow: firstRow + micro.rowOffset)
      firstRow += micro.globalRows
    }
  }

  /// Lets the rows go.
  func release() {
    batches.removeAll(keepingCapacity: true)
    step = nil
  }

  /// This rank's loss sum; the gradients of it times `seed` are in the arena.
  ///
  /// - Parameter overlap: what reduces gradients as they are completed; nil for nothing.
  func forwardAndBackward(phase: Int, seed: Double, overlap: BucketedReducer?) throws -> Double {
    let (context, clock) = (run.context, run.clock)
    guard let microBatches = step?.microBatches else { return 0 }
    var total = 0.0
    var firstRow = 0
    defer { context.gradientWatch = nil }
    for (micro, batch) in zip(microBatches, batches) {
      // A gradient is complete when the last micro-batch has added to it.
      if batch.index == microBatches.count - 1 { context.gradientWatch = overlap?.start() }
      context.beginForward(rowOffset: firstRow + micro.rowOffset)
      var batch = batch
      batch.turn = turn
      let sum = try clock.measure(.forward) {
        try context.recording { try run.task.lossSum(batch, phase: phase) }
      }
      total += sum.scalar
      try clock.measure(.backward) { try context.backward(sum, seed: seed) }
      firstRow += micro.globalRows
    }
    return total
  }
}

extension StepRows {
  /// Brings the gradients to the Hessian of the loss sum times a vector, times `seed`.
  ///
  /// - Parameters:
  ///   - elements: those of the arena that are written, and that the vector has.
  ///   - learning: the parameters that learn, with their places in the arena.
  func hessianProduct(
    phase: Int, seed: Double, with vector: ArenaVector, over elements: Range<Int>,
    of learning: [(parameter: Parameter, offset: Int)]
  ) throws {
    let (context, arena) = (run.context, run.arena)
    let width = arena.dtype.byteCount
    memset(arena.gradients + elements.lowerBound * width, 0, elements.count * width)
    guard let microBatches = step?.microBatches else { return }
    let directions = learning.map { parameter, offset in
      Tensor(
        borrowing: vector.pointer + (offset - elements.lowerBound) * width,
        shape: parameter.shape, dtype: arena.dtype, owner: vector, context: context)
    }
    var firstRow = 0
    for (micro, batch) in zip(microBatches, batches) {
      context.beginForward(rowOffset: firstRow + micro.rowOffset)
      var batch = batch
      batch.turn = turn
      let parts = try run.task.hessianProduct(
        batch, phase: phase, of: learning.map(\.parameter), with: directions, context: context)
      for (place, part) in zip(learning, parts) {
        dl_axpy(
          part.dtype.kernel, seed, part.pointer, arena.gradients + place.offset * width, part.count)
      }
      firstRow += micro.globalRows
    }
  }

  /// The row that the loss is not finite for, to be asked before any update could have been the
  /// cause: the first one, the same on every rank; collective.
  ///
  /// Nil where all rows are alike, which then is not a matter of one of them, or where rows cannot be
  /// looked at one by one.
  func firstNonFiniteRow() throws -> Int? {
    guard run.task is SupervisedTask, !run.arena.modules.contains(where: { $0 is BatchNorm }),
      let step
    else { return nil }
    var (first, count) = (-1, 0)
    for (micro, batch) in zip(step.microBatches, batches) {
      for row in 0..<batch.rows {
        var totals = ValidationTotals()
        // What cannot be evaluated by itself is not told apart.
        try? run.context.evaluating { try run.task.evaluate(batch.row(row), into: &totals) }
        guard !totals.lossSum.isFinite else { continue }
        count += 1
        if first < 0 { first = micro.sampleIndices[row] }
      }
    }
    let rows = batches.reduce(0) { $0 + $1.rows }
    let all = try run.communicator.allgather([Int64(first), Int64(count), Int64(rows)])
    let sums = (1...2).map { column in
      stride(from: column, to: all.count, by: 3).reduce(0) { $0 + all[$1] }
    }
    guard sums[0] < sums[1] else { return nil }
    return stride(from: 0, to: all.count, by: 3).map { Int(all[$0]) }.first { $0 >= 0 }
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
    x.lengths = try dataset.inputLengths.map { lengths in
      let mine = try Tensor.empty([rows], dtype: .int32, context: context)
      let target = mine.pointer.assumingMemoryBound(to: Int32.self)
      for (place, sample) in sampleIndices.enumerated() { target[place] = lengths[sample] }
      return mine
    }
    var batch = Batch(x: x, y: try labels(y, of: dataset, context))
    if let mixed {
      batch.mixed = (try labels(mixed.labels, of: dataset, context), mixed.weight)
    }
    return batch
  }

  private func labels(
    _ memory: UnsafeMutableRawPointer, of dataset: any Dataset, _ context: Context
  ) throws -> Tensor {
    let shape = Shape(dataset.labelShape).prepending(rows)
    let y = Tensor(
      borrowing: memory, shape: shape, dtype: dataset.labelType, owner: nil, context: context)
    guard dataset.labelType == .float32, context.precision == .float64 else { return y }
    let converted = try Tensor.empty(shape, dtype: .float64, context: context)
    dl_cast(DL_F32, y.pointer, DL_F64, converted.pointer, y.count)
    return converted
  }
}

extension Batch {
  /// One row, in the memory of all.
  fileprivate func row(_ index: Int) -> Batch {
    func part(_ tensor: Tensor) -> Tensor {
      let shape = tensor.shape.dropFirst()
      let bytes = shape.count * tensor.dtype.byteCount
      return Tensor(
        borrowing: tensor.pointer + index * bytes, shape: shape.prepending(1),
        dtype: tensor.dtype, owner: nil, context: tensor.context)
    }
    let row = part(x)
    row.lengths = x.lengths.map(part)
    return Batch(x: row, y: part(y))
  }
}
