import DLCluster
import DLLayers
import DLTensor

/// This rank's sums over the validation rows that it has seen.
public struct ValidationTotals: Sendable {
  /// The loss's sum.
  public var lossSum = 0.0
  /// The loss's denominator.
  public var denominator = 0.0
  /// The metrics with their sums.
  private(set) var metrics: MetricSet
  /// The kind of the model's statement on a row, and the labels of the batch, since the last
  /// ``add(_:)``.
  private(set) var seen: MetricTask?

  /// Starts with no row.
  init(_ metrics: MetricSet = MetricSet()) { self.metrics = metrics }

  /// Adds the loss of a batch's outputs, and what the metrics make of them.
  ///
  /// - Throws: ``TensorError`` where outputs and labels do not fit.
  public mutating func add(_ outputs: Tensor, _ batch: Batch, _ loss: any Loss) throws {
    lossSum += try loss.sum(outputs, batch.y).scalar
    denominator += try loss.denominator(batch.y)
    try add(.scores(ScoreBatch(outputs, labels: batch.y, loss: loss)))
  }

  /// Adds to the metrics alone.
  ///
  /// - Throws: `TensorError` when the batch is not what the metrics were set up for.
  public mutating func add(_ batch: MetricBatch) throws {
    seen = MetricTask(batch.kind, labels: batch.labelCount)
    try metrics.add(batch)
  }

  /// Adds what all ranks have; every rank makes the call.
  mutating func reduce(over communicator: any Communicator) throws {
    lossSum = try communicator.sum(lossSum)
    denominator = try communicator.sum(denominator)
    try metrics.reduce(over: communicator)
  }
}

/// A pass over the validation set, once it is summed over all ranks.
public struct Validation {
  /// The mean loss.
  public let loss: Double
  /// The task's own metrics.
  public let defaults: [MetricResult]
  /// The metrics that the configuration names besides.
  public let named: [MetricResult]
  /// This rank's context.
  public let context: Context
  /// Optimizer steps done; nil where a finished run is evaluated.
  public let step: Int?
  /// The run folder, on rank 0 of a run that has one; nil elsewhere.
  public let folder: String?
}
