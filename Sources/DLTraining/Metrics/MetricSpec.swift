import DLConfiguration
import DLLayers

/// A metric that a configuration can name: what it adds up over the rows of a validation, and what
/// the sums come to.
///
/// Its properties are the options of its word. It holds no sums itself: ``MetricSums`` does, and
/// adds them up over the ranks. `MetricRegistry.builtIn` lists it. Counterpart: a
/// `torchmetrics.Metric`.
public protocol MetricSpec: ConfigurationOption {
  /// The name in tables, in metrics.jsonl and in `validate.monitor`.
  var name: String { get }

  /// The sums before the first row.
  ///
  /// - Throws: ``MetricMisfit`` where the metric says nothing of such predictions.
  func sums(for task: MetricTask) throws -> MetricSums

  /// Adds this rank's rows of a batch.
  ///
  /// The sums must not depend on how rows are divided into batches and over ranks:
  /// integers and ``ExactSum`` do not.
  func add(_ batch: MetricBatch, to sums: inout MetricSums) throws

  /// The result of the sums over all rows.
  func result(_ sums: MetricSums) -> MetricResult
}

extension MetricSpec {
  /// The word.
  public var name: String { Self.word }
  /// No options.
  public static var fields: [ConfigurationField<Self>] { [] }
}

/// The statements and labels that a metric is to measure.
public struct MetricTask: Sendable, Hashable {
  /// The kind of the model's statement on a row.
  public let predictions: PredictionKind
  /// Labels of the whole data set.
  public let labels: Int

  /// Makes the description of a task.
  package init(_ predictions: PredictionKind, labels: Int) {
    self.predictions = predictions
    self.labels = labels
  }
}

/// Says that a metric does not fit what a model predicts.
public struct MetricMisfit: Error, CustomStringConvertible {
  /// The task that the metric needs, and the one that there is.
  public let description: String

  /// Makes an error of a text.
  public init(_ description: String) { self.description = description }

  /// Makes the error of a metric that needs something else than the model predicts.
  public init(_ needed: String, _ task: MetricTask) {
    description = "\(needed), the model predicts \(task.predictions)"
  }
}
