import DLCluster
import DLData
import DLTensor

/// A pass over a data set without training, shared out over the ranks: every row once, nothing
/// padded.
package struct ValidationPass {
  let task: any TrainingTask
  package let dataset: any Dataset
  let transform: InputTransform
  let context: Context
  let batchSize: Int
  var metrics = MetricSet()
  var step: Int?
  var folder: String?
  var workers = 1

  package init(
    task: any TrainingTask, dataset: any Dataset, transform: InputTransform, context: Context,
    batchSize: Int, metrics: MetricSet = MetricSet(), step: Int? = nil, folder: String? = nil,
    workers: Int = 1
  ) {
    self.task = task
    self.dataset = dataset
    self.transform = transform
    self.context = context
    self.batchSize = batchSize
    self.metrics = metrics
    self.step = step
    self.folder = folder
    self.workers = workers
  }

  /// The results of the sums over all ranks, counts exact and doubles along the fixed tree.
  ///
  /// - Throws: `RankFailure`, the same on every rank, where one could not read or evaluate its rows.
  package func run() throws -> Validation {
    var totals = try context.communicator.agreed("go through the validation set") {
      var totals = ValidationTotals(metrics)
      try eachBatch { batch, _ in try task.evaluate(batch, into: &totals) }
      return totals
    }
    try totals.reduce(over: context.communicator)
    let validation = Validation(
      loss: totals.lossSum / totals.denominator, defaults: totals.metrics.defaults,
      named: totals.metrics.named, context: context, step: step, folder: folder)
    try context.withoutRecording { try task.didValidate(validation) }
    return validation
  }

  /// Calls `body` with this rank's rows of each batch, in the order of the file, with their
  /// indices.
  ///
  /// - Throws: `DataError` or `FormatError` where rows cannot be read, and what `body` throws.
  package func eachBatch(_ body: (Batch, UnsafeBufferPointer<Int>) throws -> Void) throws {
    let sampler = try Sampler(
      count: dataset.count, batchSize: batchSize, accumulate: 1, order: .sequential,
      lastBatch: .keep, seed: 0)
    let loader = try BatchLoader(
      dataset: dataset, sampler: sampler,
      sharding: BatchSharding(ranks: context.communicator.size), rank: context.communicator.rank,
      transform: transform, workers: workers, endStep: sampler.stepsPerEpoch)
    defer { loader.close() }
    try context.withoutRecording {
      while let step = try loader.next() {
        for micro in step.microBatches where micro.rows > 0 {
          context.beginForward(rowOffset: micro.sampleIndices[0])
          var batch = try micro.tensors(of: dataset, transform, context)
          batch.startsEpoch = step.step == 0
          batch.firstRow = micro.sampleIndices[0]
          try body(batch, micro.sampleIndices)
        }
      }
    }
  }
}

extension TrainingTask {
  /// The metrics of a job over a data set, as a row of zeros shows that they fit.
  ///
  /// - Throws: `UsageError` for a metric that does not fit; what evaluating the row throws.
  package func metrics(_ validate: ValidateConfiguration, _ row: Batch, rows: Int) throws
    -> MetricSet
  {
    var totals = ValidationTotals()
    try evaluate(row, into: &totals)
    let seen = totals.seen ?? MetricTask(.other("nothing of a row"), labels: 1)
    let (labels, overflow) = seen.labels.multipliedReportingOverflow(by: rows)
    return try MetricSet(
      defaultMetrics(seen.predictions), validate,
      for: MetricTask(seen.predictions, labels: overflow ? .max : labels))
  }
}
