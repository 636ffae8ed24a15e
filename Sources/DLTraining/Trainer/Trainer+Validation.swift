import DLCluster
import DLData
import DLTensor

extension Trainer {
  /// Evaluates the model as it is on the validation set, every rank its share, and adds up exactly.
  func evaluate(_ validation: any Dataset) throws -> ValidationReport {
    let stepsPerEpoch = run.sampler.stepsPerEpoch
    let (totals, metrics) = try Evaluation(
      task: run.task, dataset: validation, transform: run.data.transform, context: run.context,
      batchSize: run.configuration.validate.batchSize ?? run.configuration.batchSize,
      step: run.position.step, folder: store.folder?.path
    ).run()
    return ValidationReport(
      step: run.position.step, epoch: (run.position.step + stepsPerEpoch - 1) / stepsPerEpoch,
      loss: totals.lossSum / totals.denominator,
      accuracy: totals.rows > 0 ? Double(totals.correct) / Double(totals.rows) : nil,
      metrics: metrics, rows: validation.count)
  }
}

extension ValidateConfiguration {
  /// The figure that chooses the best: the task's first metric, else the accuracy, else the loss, or
  /// the loss by configuration.
  func monitored(in report: ValidationReport) -> Metric {
    judge == .loss ? report.lossFigure : report.figures[0]
  }
}

/// A pass over a data set without training, shared out over the ranks: every row once, nothing
/// padded.
struct Evaluation {
  let task: any TrainingTask
  let dataset: any Dataset
  let transform: InputTransform
  let context: Context
  let batchSize: Int
  var step: Int?
  var folder: String?

  /// The sums over all ranks, counts exact and doubles along the fixed tree, and the task's
  /// metrics.
  func run() throws -> (ValidationTotals, [Metric]) {
    let communicator = context.communicator
    var totals = try communicator.agreed("go through the validation set") {
      var totals = ValidationTotals()
      totals.sums = [Double](repeating: 0, count: task.validationSumCount)
      try eachBatch { batch, _ in try task.evaluate(batch, into: &totals) }
      return totals
    }
    totals.lossSum = try communicator.sum(totals.lossSum)
    totals.denominator = try communicator.sum(totals.denominator)
    totals.correct = try communicator.sum(totals.correct)
    totals.rows = try communicator.sum(totals.rows)
    for index in totals.sums.indices {
      totals.sums[index] = try communicator.sum(totals.sums[index])
    }
    let validation = Validation(totals: totals, context: context, step: step, folder: folder)
    return (totals, try context.withoutRecording { try task.metrics(validation) })
  }

  /// Calls `body` with this rank's rows of each batch, in the order of the file, with their
  /// indices.
  func eachBatch(_ body: (Batch, UnsafeBufferPointer<Int>) throws -> Void) throws {
    let sampler = try Sampler(
      count: dataset.count, batchSize: batchSize, accumulate: 1, order: .sequential,
      lastBatch: .keep, seed: 0)
    let loader = try BatchLoader(
      dataset: dataset, sampler: sampler,
      sharding: BatchSharding(ranks: context.communicator.size), rank: context.communicator.rank,
      transform: transform, endStep: sampler.stepsPerEpoch)
    defer { loader.close() }
    try context.withoutRecording {
      while let step = try loader.next() {
        for micro in step.microBatches where micro.rows > 0 {
          context.beginForward(rowOffset: micro.sampleIndices[0])
          var batch = try micro.tensors(of: dataset, transform, context)
          batch.startsEpoch = step.step == 0
          try body(batch, micro.sampleIndices)
        }
      }
    }
  }
}
