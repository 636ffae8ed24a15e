import DLCore
import DLData
import DLLayers
import DLTensor

/// This rank's rows of one micro-batch.
public struct Batch {
  /// The inputs, `[rows, ...]`, in the job's precision or int32.
  public internal(set) var x: Tensor
  /// The labels, int32 `[rows, ...]`, or values in the job's precision.
  public internal(set) var y: Tensor
  /// The labels of the rows that these are mixed with, and the weight of their own; nil where they are
  /// not mixed.
  public internal(set) var mixed: (labels: Tensor, weight: Double)?
  /// The length of the longest row over all ranks, where rows are padded sequences of their own
  /// lengths.
  package var longestRow: Int?
  /// The place of the first row within the step's rows over all ranks, or within the data set where it
  /// is validated: random numbers that are drawn row by row are keyed by it.
  public var firstRow = 0
  /// The number of this micro-batch in the step, counted from 0.
  public var index = 0
  /// True if the step is the first of an epoch.
  public var startsEpoch = false
  /// The number of the phase's update that it is for, counted from 0; 0 where a phase has one a
  /// step.
  package var turn = 0

  /// Rows on this rank.
  public var rows: Int { x.shape.rank == 0 ? 0 : x.shape[0] }
}

/// One of the updates of a step: a loss, and the parameters that learn from it, which may learn from
/// other phases too.
public struct TrainingPhase: Sendable, Hashable {
  /// The name, as in `optimizers: {NAME: ...}` and `loss_NAME` of the metrics.
  public let name: String
  /// The property path of the part of the model that learns; nil for all of it.
  public let trains: String?
  /// Updates that a step makes of it, one after the other, on the same rows.
  public let repeats: Int

  /// Makes a phase.
  public init(_ name: String, trains: String? = nil, repeats: Int = 1) {
    self.name = name
    self.trains = trains
    self.repeats = max(repeats, 1)
  }

  /// The only phase of a task with one loss.
  public static let whole = TrainingPhase("model")
}

/// A task that a run trains: the Trainer supplies data, reduction, checkpoints and logs around it.
///
/// Every rank has a task of its own and makes the same calls, with zero rows too. Counterpart:
/// Lightning's `LightningModule`.
public protocol TrainingTask: AnyObject {
  /// Everything with parameters.
  var model: Module { get }

  /// The updates of a step, made one after the other, each with an optimizer of its own.
  var phases: [TrainingPhase] { get }

  /// The values that the task takes as inputs and as labels, told from a row of zeros.
  func domains(_ row: Batch) throws -> DataDomains

  /// This rank's part of a phase's denominator, from labels and shapes alone.
  func denominator(_ batch: Batch, phase: Int) throws -> Double

  /// This rank's part of a phase's loss as a sum, recorded so that gradients flow.
  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor

  /// True if the task has a ``carriedState``: then a batch is gone over once alone.
  var carriesState: Bool { get }

  /// State beyond parameters and buffers that goes on from step to step, by name: this rank's
  /// rows of it, `[rows, ...]`.
  var carriedState: [(name: String, rows: Tensor)] { get throws }

  /// Takes this rank's rows of what ``carriedState`` was when a checkpoint was written.
  func restoreCarriedState(_ rows: [String: Tensor]) throws

  /// Brings ``carriedState`` back to what it was before the last batches: their step was skipped.
  func takeBackCarriedState()

  /// Adds a validation batch to the totals: loss, denominator, and what the metrics look at.
  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws

  /// The metrics that the task is measured by where the configuration names nothing; the first one
  /// chooses the best checkpoint.
  ///
  /// - Parameter kind: what the model says of a row.
  func defaultMetrics(_ kind: PredictionKind) -> [any MetricSpec]

  /// Takes note of a validation, on every rank after the last batch, so that it may use the
  /// communicator.
  func didValidate(_ validation: Validation) throws

  /// The predictions for the rows of a batch, of which only the inputs are there.
  func predictions(_ batch: Batch) throws -> Predictions
}

extension TrainingTask {
  /// The values that the model's first layer takes, and any finite labels.
  ///
  /// - Throws: `TensorError` for a row that the task does not take.
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
  /// Takes nothing: there is no such state.
  public func restoreCarriedState(_ rows: [String: Tensor]) {}
  /// Takes nothing back.
  public func takeBackCarriedState() {}
  /// The accuracy where the model predicts one of several classes, the error rate where it predicts
  /// sequences of them.
  public func defaultMetrics(_ kind: PredictionKind) -> [any MetricSpec] {
    switch kind {
    case .classes: [Accuracy()]
    case .sequences: [LabelErrorRate()]
    default: []
    }
  }
  /// Does nothing.
  public func didValidate(_ validation: Validation) {}
  /// Refuses the rows: a task that predicts something has a method of its own.
  ///
  /// - Throws: `UsageError`, always.
  public func predictions(_ batch: Batch) throws -> Predictions {
    throw UsageError("predict: this kind of model has no outputs for the rows of a data set")
  }
}

extension Loss {
  /// The values that the loss takes as labels of outputs of a shape, and a network as inputs.
  func domains(_ network: any Layer, outputs: Shape, _ row: Batch) -> DataDomains {
    var domains = DataDomains()
    domains.inputs = network.inputDomain
    domains.labels = labelDomain(outputs, row.y.dtype)
    if let word = self as? any LossSpec { domains.labelTaker = "loss: \(type(of: word).word)" }
    return domains
  }
}
