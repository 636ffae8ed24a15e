import DLCluster
import DLData
import DLOptimizers
import DLTensor

extension Trainer {
  /// Runs `body` with the mean of the weights in place of the weights, where the run has one.
  ///
  /// Statistics of batch normalisations that belong to the mean are gathered first where the mean
  /// has changed, by a pass over the training data.
  func withAverage<R>(_ body: () throws -> R) throws -> R {
    guard let average, average.mean.updates > 0 else { return try body() }
    try average.swap(arena)
    if average.lacksStatistics {
      try gatherStatistics(of: average)
      average.hasStatistics = true
    }
    let result = try body()
    try average.swap(arena)
    return result
  }

  /// Sets the running statistics to the mean over the batches of one pass, as
  /// `torch.optim.swa_utils.update_bn`.
  private func gatherStatistics(of average: RunAverage) throws {
    try refuseCarriedState("average")
    let loader = try communicator.agreed("gather the statistics of the averaged weights") {
      // A file's order may put one class behind another, and no batch would vary as the data does.
      let sampler = try Sampler(
        count: data.train.count, batchSize: configuration.batchSize,
        accumulate: configuration.accumulate, order: .shuffled,
        lastBatch: configuration.data.lastBatch, seed: 0)
      for norm in average.norms {
        try norm.runningMean.value.assign(
          [Double](repeating: 0, count: norm.runningMean.shape.count))
        try norm.runningVar.value.assign(
          [Double](repeating: 1, count: norm.runningVar.shape.count))
        let count = try norm.numBatchesTracked.value
        count.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: count.byteCount)
      }
      return try BatchLoader(
        dataset: data.train, sampler: sampler, sharding: sharding, rank: communicator.rank,
        transform: data.transform, endStep: sampler.stepsPerEpoch)
    }
    defer { loader.close() }
    context.isTraining = true
    // Dropout goes by the mean, not by when its statistics are asked for: at a validation, or before
    // at a checkpoint.
    context.step = average.mean.updates
    for norm in average.norms { norm.accumulatesStatistics = true }
    defer {
      context.isTraining = false
      for norm in average.norms { norm.accumulatesStatistics = false }
    }
    while true {
      var loaded: StepBatch?
      try local { loaded = try loader.next() }
      _ = try exchange.agree(0, stop: false, "gather the statistics of the averaged weights")
      guard let batch = loaded else { return }
      var firstRow = 0
      for micro in batch.microBatches {
        context.beginForward(rowOffset: firstRow + micro.rowOffset)
        try context.withoutRecording {
          _ = try task.lossSum(micro.tensors(of: data.train, data.transform, context), phase: 0)
        }
        firstRow += micro.globalRows
      }
    }
  }

  /// Reduces the learning rate where validations have stopped improving.
  func reduceOnPlateau(_ result: ValidationReport) {
    guard plateau != nil else { return }
    let byMetric = configuration.schedule.monitor == .metric
    let figure = byMetric ? result.figures[0] : result.lossFigure
    plateau?.mode = figure.higherIsBetter ? .maximum : .minimum
    plateau?.observe(figure.value)
  }
}
