import DLCluster
import DLData
import DLLayers
import DLTensor

extension WeightAveraging {
  /// Sets the running statistics to the mean over the batches of one pass over the training data, as
  /// `torch.optim.swa_utils.update_bn`; collective.
  func gatherStatistics() throws {
    let (configuration, context) = (run.configuration, run.context)
    let loader = try run.communicator.agreed("gather the statistics of the averaged weights") {
      // A file's order may put one class behind another, and no batch would vary as the data does.
      let sampler = try Sampler(
        count: run.data.train.count, batchSize: configuration.batchSize,
        accumulate: configuration.accumulate, order: .shuffled,
        lastBatch: configuration.data.lastBatch, seed: 0)
      for norm in norms {
        try norm.runningMean.value.assign(
          [Double](repeating: 0, count: norm.runningMean.shape.count))
        try norm.runningVar.value.assign(
          [Double](repeating: 1, count: norm.runningVar.shape.count))
        let count = try norm.numBatchesTracked.value
        count.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: count.byteCount)
      }
      return try BatchLoader(
        dataset: run.data.train, sampler: sampler, sharding: run.sharding,
        rank: run.communicator.rank, transform: run.data.transform, endStep: sampler.stepsPerEpoch)
    }
    defer { loader.close() }
    context.isTraining = true
    // Dropout goes by the mean, not by when its statistics are asked for: at a validation, or before
    // at a checkpoint.
    context.step = mean.updates
    for norm in norms { norm.accumulatesStatistics = true }
    defer {
      context.isTraining = false
      for norm in norms { norm.accumulatesStatistics = false }
    }
    while true {
      var loaded: StepBatch?
      try run.local { loaded = try loader.next() }
      _ = try run.exchange.agree(
        0, stop: false, "gather the statistics of the averaged weights")
      guard let batch = loaded else { return }
      try evaluate(batch)
    }
  }

  private func evaluate(_ batch: StepBatch) throws {
    let context = run.context
    var firstRow = 0
    for micro in batch.microBatches {
      context.beginForward(rowOffset: firstRow + micro.rowOffset)
      var rows = try micro.tensors(of: run.data.train, run.data.transform, context)
      rows.firstRow = firstRow + micro.rowOffset
      rows.longestRow = micro.longestRow
      // These rows go on with no others, and training goes on from its own.
      rows.startsEpoch = true
      try context.withoutRecording { _ = try run.task.lossSum(rows, phase: 0) }
      run.task.takeBackCarriedState()
      firstRow += micro.globalRows
    }
  }
}
