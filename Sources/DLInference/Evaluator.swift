import DLCluster
import DLCore
import DLData
import DLTensor
import DLTraining

/// The outcome of an evaluation of a trained run.
package struct EvaluationReport: Sendable {
  /// The file of the checkpoint.
  package let checkpoint: String
  /// The data set.
  package let data: String
  /// Its rows, each counted once.
  package let rows: Int
  /// The mean loss.
  package let loss: Double
  /// The metrics, the task's own first.
  package let metrics: [MetricResult]
  /// The views of an image that an output is the mean of.
  package let views: TestTimeAugmentation

  /// The share of labels predicted right; nil where it is not measured.
  package var accuracy: Double? { right.map { Double($0.part) / Double($0.whole) } }
  /// Labels predicted right; nil where it is not measured.
  package var correct: Int? { right?.part }
  /// Labels that were predicted.
  package var labels: Int { right?.whole ?? 0 }

  private var right: (part: Int, whole: Int)? {
    for metric in metrics where metric.name == Accuracy.word {
      if case .share(let part, let whole) = metric.content { return (part, whole) }
    }
    return nil
  }

  /// A table of names and values.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  package func text(columns: Int?) -> String {
    var lines = [
      ["checkpoint", checkpoint], ["data", data], ["rows", Format.grouped(rows)],
    ]
    if views != .one { lines.append(["views", views.rawValue]) }
    lines += metrics.map { [$0.name, $0.text] }
    lines.append(["loss", Format.significant(loss, 9)])
    return ([Format.table(lines, columns: columns)] + metrics.compactMap { $0.table(columns) })
      .joined(separator: "\n\n")
  }
}

extension LoadedRun {
  /// Goes through a data set on all ranks, every row once; counts are exact, sums follow the fixed
  /// tree.
  ///
  /// - Parameter data: the file; the run's validation set unless given.
  /// - Throws: `RankFailure`, the same on every rank.
  package func evaluate(data: String?, communicator: any Communicator) throws -> EvaluationReport {
    let rows = try communicator.agreed("open the run") {
      try RunRows(self, .validation, named: data)
    }
    let statistics = try TrainingData.statistics(of: [rows.path], over: communicator)
    let (pass, views) = try communicator.agreed("open the run") {
      let trained = try LoadedNetwork(self, communicator: communicator)
      let configuration = trained.configuration
      let dataset = try rows.open(.test, trained, source: folder, statistics: statistics)
      try TrainingData.checkLabels(of: dataset, configuration.loss)
      let transform = try TrainingData.transform(of: dataset, configuration)
      try trained.checkValues(of: dataset, transform)
      let row = try dataset.rowsOfZeros(inputs: transform.outputType, context: trained.context)
      let metrics = try trained.context.withoutRecording {
        try trained.task.metrics(configuration.validate, row, rows: dataset.count)
      }
      let pass = ValidationPass(
        task: trained.task, dataset: dataset, transform: transform,
        context: trained.context,
        batchSize: configuration.validate.batchSize ?? configuration.batchSize, metrics: metrics,
        workers: configuration.data.workers)
      return (pass, configuration.validate.views)
    }
    let found = try pass.run()
    return EvaluationReport(
      checkpoint: checkpoint, data: rows.path, rows: pass.dataset.count, loss: found.loss,
      metrics: found.defaults + found.named,
      views: views)
  }
}
