import DLCluster
import DLData
import DLLayers
import DLTensor

extension Trainer {
  /// The row of the step in work that the loss is not finite for, where it is so before any update
  /// could have been the cause: the first one, the same on every rank.
  ///
  /// Nil where all rows are alike, which then is not a matter of one of them, or where rows cannot be
  /// looked at one by one. Every rank calls it.
  func nonFiniteRow(_ phase: UpdatePhase, _ step: StepBatch) throws -> Int? {
    guard phase.updates == 0, task is SupervisedTask,
      !arena.modules.contains(where: { $0 is BatchNorm })
    else { return nil }
    let isTraining = context.isTraining
    context.isTraining = false
    defer { context.isTraining = isTraining }
    var (first, count) = (-1, 0)
    for (micro, batch) in zip(step.microBatches, batches) {
      for row in 0..<batch.rows {
        var totals = ValidationTotals()
        // What cannot be evaluated by itself is not told apart.
        try? context.withoutRecording { try task.evaluate(batch.row(row), into: &totals) }
        guard !totals.lossSum.isFinite else { continue }
        count += 1
        if first < 0 { first = micro.sampleIndices[row] }
      }
    }
    let rows = batches.reduce(0) { $0 + $1.rows }
    let all = try communicator.allgather([Int64(first), Int64(count), Int64(rows)])
    let sums = (1...2).map { column in
      stride(from: column, to: all.count, by: 3).reduce(0) { $0 + all[$1] }
    }
    guard sums[0] < sums[1] else { return nil }
    return stride(from: 0, to: all.count, by: 3).map { Int(all[$0]) }.first { $0 >= 0 }
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
    return Batch(x: part(x), y: part(y))
  }
}
