import DLCluster
import DLData
import DLTensor

/// What an evaluation of a trained run came to.
public struct EvaluationReport: Sendable {
  /// The data set.
  public let data: String
  /// Its rows, each counted once.
  public let rows: Int
  /// The mean loss.
  public let loss: Double
  /// Rows predicted right; nil for a task without classes.
  public let correct: Int?
  /// Labels that were predicted.
  public let labels: Int
  /// The task's own figures.
  public let metrics: [Metric]
  /// The views of an image that an output is the mean of.
  public let views: TestViews

  /// The share predicted right.
  public var accuracy: Double? {
    correct.flatMap { labels > 0 ? Double($0) / Double(labels) : nil }
  }

  /// A table of names and values.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  public func text(columns: Int?) -> String {
    var lines = [["data", data], ["rows", Text.grouped(rows)]]
    if views != .one { lines.append(["views", views.rawValue]) }
    if let accuracy, let correct {
      lines.append([
        "accuracy",
        "\(Text.percent(accuracy, 2)) (\(Text.grouped(correct)) of \(Text.grouped(labels)))",
      ])
    }
    lines += metrics.map { [$0.name, Text.significant($0.value, 6)] }
    lines.append(["loss", Text.significant(loss, 9)])
    return Text.table(lines, columns: columns)
  }
}

extension TrainedRun {
  /// Goes through a data set on all ranks, every row once; counts are exact, sums follow the fixed
  /// tree.
  ///
  /// - Parameter data: the file; the run's validation set unless given.
  /// - Throws: `RankFailure`, the same on every rank.
  public func evaluate(data: String?, communicator: any Communicator) throws -> EvaluationReport {
    let path = try communicator.agreed("open the run") {
      guard let path = try data ?? configuration().data.validation else {
        throw UsageError(
          "\(folder): the run has no data.validation, name a data set by --data FILE")
      }
      return path
    }
    let statistics = try TrainingData.statistics(of: [path], over: communicator)
    let (evaluation, views) = try communicator.agreed("open the run") {
      let trained = try TrainedNetwork(self, communicator: communicator)
      let configuration = trained.configuration
      let dataset = try TrainingData.open(
        path, .test, configuration, classes: trained.classes, statistics: statistics,
        names: trained.classNames, namesSource: folder)
      try trained.check(dataset, path, source: folder)
      try TrainingData.checkLabels(of: dataset, configuration.loss)
      let transform = try TrainingData.transform(of: dataset, configuration)
      try trained.checkValues(of: dataset, transform)
      let evaluation = Evaluation(
        task: trained.task, dataset: dataset, transform: transform,
        context: trained.context,
        batchSize: configuration.validate.batchSize ?? configuration.batchSize)
      return (evaluation, configuration.validate.views)
    }
    let (totals, metrics) = try evaluation.run()
    return EvaluationReport(
      data: path, rows: evaluation.dataset.count, loss: totals.lossSum / totals.denominator,
      correct: totals.rows > 0 ? totals.correct : nil, labels: totals.rows, metrics: metrics,
      views: views)
  }
}
