import DLData
import DLLayers
import DLTensor

/// This rank's rows of one micro-batch.
public struct Batch {
  /// The inputs, `[rows, ...]`, in the job's precision or int32.
  public let x: Tensor
  /// The labels, int32 `[rows, ...]`, or values in the job's precision.
  public let y: Tensor
  /// The length of the longest row over all ranks, where rows are padded sequences of their own
  /// lengths.
  public var longestRow: Int?
  /// Which of the step's micro-batches it is, counted from 0.
  public var index = 0
  /// Whether the step is the first of an epoch.
  public var startsEpoch = false

  /// Rows on this rank.
  public var rows: Int { x.shape.rank == 0 ? 0 : x.shape[0] }
}

/// One of the updates of a step: a loss, and the parameters that learn from it.
public struct TrainingPhase: Sendable, Hashable {
  /// The name, as in `optimizers: {NAME: ...}` and `loss_NAME` of the metrics.
  public let name: String
  /// The property path of the part of the model that learns; nil for all of it.
  public let trains: String?

  /// Makes a phase.
  public init(_ name: String, trains: String? = nil) {
    self.name = name
    self.trains = trains
  }

  /// The only phase of a task with one loss.
  public static let whole = TrainingPhase("model")
}

/// What a run trains: the Trainer supplies data, reduction, checkpoints and logs around it.
///
/// Every rank has a task of its own and makes the same calls, with zero rows too. Counterpart:
/// Lightning's `LightningModule`.
public protocol TrainingTask: AnyObject {
  /// Everything with parameters.
  var model: Module { get }

  /// The updates of a step, made one after the other, each with an optimizer of its own.
  var phases: [TrainingPhase] { get }

  /// What the task takes as inputs and as labels, told from a row of zeros.
  func domains(_ row: Batch) throws -> DataDomains

  /// This rank's part of a phase's denominator, from labels and shapes alone.
  func denominator(_ batch: Batch, phase: Int) throws -> Double

  /// This rank's part of a phase's loss as a sum, recorded so that gradients flow.
  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor

  /// Whether the task has a ``carriedState``: then a batch is gone over once alone.
  var carriesState: Bool { get }

  /// State beyond parameters and buffers that goes on from step to step, by name: this rank's
  /// rows of it, `[rows, ...]`.
  var carriedState: [(name: String, rows: Tensor)] { get throws }

  /// Takes this rank's rows of what ``carriedState`` was when a checkpoint was written.
  func restoreCarriedState(_ rows: [String: Tensor]) throws

  /// How many sums of its own the task adds up over a validation.
  var validationSumCount: Int { get }

  /// Adds a validation batch to the totals.
  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws

  /// The name of the first of ``metrics(_:)``, for the head of a table; nil where there is none.
  var metricName: String? { get }

  /// What the totals over all ranks come to besides loss and accuracy; the first one chooses the
  /// best checkpoint.
  ///
  /// Called on every rank after the last batch, so that it may use the communicator.
  func metrics(_ validation: Validation) throws -> [Metric]

  /// What is predicted for the rows of a batch, of which only the inputs are there.
  func predictions(_ batch: Batch) throws -> Predictions
}

extension TrainingTask {
  /// What the model's first layer takes, and any finite labels.
  public func domains(_ row: Batch) throws -> DataDomains {
    var domains = DataDomains()
    domains.inputs = (model as? any Layer)?.inputDomain ?? .finite
    return domains
  }
  /// One loss for the whole model.
  public var phases: [TrainingPhase] { [.whole] }
  /// Nothing is carried.
  public var carriesState: Bool { false }
  /// Nothing beyond parameters and buffers.
  public var carriedState: [(name: String, rows: Tensor)] { [] }
  /// Nothing to take.
  public func restoreCarriedState(_ rows: [String: Tensor]) throws {}
  /// None.
  public var validationSumCount: Int { 0 }
  /// None.
  public var metricName: String? { nil }
  /// None.
  public func metrics(_ validation: Validation) throws -> [Metric] { [] }
  /// Refuses.
  public func predictions(_ batch: Batch) throws -> Predictions {
    throw UsageError("predict: this kind of model has no outputs for the rows of a data set")
  }
}

extension Loss {
  /// What the loss takes as labels of outputs of a shape, and a network as inputs.
  func domains(_ network: any Layer, outputs: Shape, _ row: Batch) -> DataDomains {
    var domains = DataDomains()
    domains.inputs = network.inputDomain
    domains.labels = labelDomain(outputs, row.y.dtype)
    if let word = self as? any LossSpec { domains.labelTaker = "loss: \(type(of: word).word)" }
    return domains
  }
}

/// This rank's sums over the validation rows that it has seen.
public struct ValidationTotals: Sendable {
  /// The loss's sum.
  public var lossSum = 0.0
  /// The loss's denominator.
  public var denominator = 0.0
  /// Rows whose largest output is the label.
  public var correct = 0
  /// Rows that a label was predicted for; 0 for a task without classes.
  public var rows = 0
  /// The task's own sums.
  public var sums: [Double] = []

  /// Adds the loss of a batch's outputs, and of a task with classes those predicted right.
  mutating func add(_ outputs: Tensor, _ batch: Batch, _ loss: any Loss) throws {
    lossSum += try loss.sum(outputs, batch.y).scalar
    denominator += try loss.denominator(batch.y)
    guard let loss = loss as? any ClassLoss, batch.y.dtype == .int32 else { return }
    let (correct, rows) = try loss.correctCount(outputs, labels: batch.y)
    self.correct += correct
    self.rows += rows
  }
}

/// A pass over the validation set, once it is summed over all ranks.
public struct Validation {
  /// The totals over all ranks.
  public let totals: ValidationTotals
  /// This rank's context.
  public let context: Context
  /// Optimizer steps done; nil where a finished run is evaluated.
  public let step: Int?
  /// The run folder, on rank 0 of a run that has one; nil elsewhere.
  public let folder: String?
}

/// A figure by which a task judges a model.
public struct Metric: Sendable, Equatable {
  /// The name in tables and in metrics.jsonl.
  public let name: String
  /// The value.
  public let value: Double
  /// Whether more is better.
  public let higherIsBetter: Bool

  /// Makes a metric.
  public init(_ name: String, _ value: Double, higherIsBetter: Bool) {
    self.name = name
    self.value = value
    self.higherIsBetter = higherIsBetter
  }
}
