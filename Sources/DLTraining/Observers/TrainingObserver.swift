import DLCluster

/// What a step came to.
public struct StepReport: Sendable {
  /// The optimizer step, counted from 1.
  public let step: Int
  /// The epoch that the step lies in, counted from 0.
  public let epoch: Int
  /// The mean loss over the global batch, before the update.
  public let loss: Double
  /// The learning rate of the update.
  public let learningRate: Double
  /// Rows of the global batch.
  public let rows: Int
  /// The loss of each phase by its name, where there are several; ``loss`` is their sum.
  public let parts: [(name: String, loss: Double)]
  /// Where the time went, on rank 0.
  public let times: StepTimes
  /// What went between hosts, or processes that share no memory.
  public let traffic: CommunicationVolume

  /// Seconds that the step took on rank 0.
  public var seconds: Double { times.total }
}

/// What a validation came to.
public struct ValidationReport: Sendable {
  /// Optimizer steps done.
  public let step: Int
  /// Epochs done.
  public let epoch: Int
  /// The mean loss over the validation set.
  public let loss: Double
  /// The task's own metrics.
  public let defaults: [MetricResult]
  /// The metrics that `validate.metrics` names besides.
  public let named: [MetricResult]
  /// Rows that were predicted.
  public let rows: Int

  init(_ validation: Validation, step: Int, epoch: Int, rows: Int) {
    self.step = step
    self.epoch = epoch
    loss = validation.loss
    defaults = validation.defaults
    named = validation.named
    self.rows = rows
  }

  /// All metrics, the task's own first.
  public var metrics: [MetricResult] { defaults + named }

  /// A metric by its name; nil where there is none.
  public subscript(name: String) -> MetricResult? { metrics.first { $0.name == name } }

  /// The share of labels predicted right; nil where it is not measured.
  public var accuracy: Double? { self[Accuracy.word]?.value }

  /// The loss as a metric.
  package var lossMetric: MetricResult { MetricResult("loss", loss, higherIsBetter: false) }

  /// The first of the task's own metrics, else the loss.
  var main: MetricResult { defaults.first ?? lossMetric }
}

/// How a run ended.
public struct RunReport: Sendable {
  /// The job's name.
  public let name: String
  /// The run folder.
  public let folder: String
  /// The newest checkpoint; nil where none was written.
  public let checkpoint: String?
  /// Optimizer steps done over the run's life.
  public let step: Int
  /// Optimizer steps of the whole job.
  public let totalSteps: Int
  /// Epochs of the whole job, rounded up.
  public let epochs: Int
  /// Ranks.
  public let ranks: Int
  /// Parameters.
  public let parameters: Int
  /// The last step's loss; nil where no step was made.
  public let loss: Double?
  /// The last validation.
  public let validation: ValidationReport?
  /// The best validation's step and value.
  public let best: CheckpointPosition.Best?
  /// The name of the metric that chose it; nil without a validation.
  public let monitor: String?
  /// Seconds from the first step to the end.
  public let seconds: Double
  /// Rows per second of training steps, all ranks together.
  public let samplesPerSecond: Double
  /// Whether the run stopped before its last step, to be resumed.
  public let isInterrupted: Bool
  /// Whether it stopped since it has come to ``TrainingOptions/stopAtStep``.
  public let hasReachedStop: Bool
  /// What went between hosts, or processes that share no memory, in the steps made now.
  public let traffic: CommunicationVolume
  /// Why it ended.
  public let end: RunEnd
}

/// What a run is about to do.
public struct RunPlan: Sendable {
  /// The job's name.
  public let name: String
  /// The run folder.
  public let folder: String
  /// The step that the run goes on from; 0 at its beginning.
  public let startStep: Int
  /// Optimizer steps of the whole job.
  public let totalSteps: Int
  /// Optimizer steps per epoch.
  public let stepsPerEpoch: Int
  /// Ranks.
  public let ranks: Int
  /// Rows of the training set.
  public let rows: Int
  /// Rows of batches that each of them gives in an epoch.
  public let repeats: Int
  /// Rows per optimizer step over all ranks.
  public let batchSize: Int
  /// Parameters.
  public let parameters: Int
  /// float32 or float64.
  public let precision: String
  /// The name of the task's own metric; nil for the accuracy, or none.
  public let metric: String?
  /// The names of the metrics named besides that are one number each.
  public let metrics: [String]
  /// Whether gradients go between hosts during the backward pass; nil where none go between hosts.
  public let overlap: String?
  /// Whether batch norms of the network gather their statistics over several ranks.
  public let gathersStatistics: Bool

  /// Epochs of the whole job, rounded up.
  public var epochs: Int {
    max(1, Int((Double(totalSteps) / Double(max(stepsPerEpoch, 1))).rounded(.up)))
  }
}

/// Watches a run, on rank 0.
public protocol TrainingObserver: AnyObject {
  /// Whether it watches every rank that it is given to, and not rank 0 alone.
  var observesEveryRank: Bool { get }
  /// The run is about to make its first step.
  func willTrain(_ plan: RunPlan) throws
  /// A step was made.
  func didStep(_ report: StepReport) throws
  /// The validation set was gone through.
  func didValidate(_ report: ValidationReport) throws
  /// A checkpoint is about to be written: what was reported must reach its files.
  func willSave() throws
  /// The run has ended.
  func didTrain(_ report: RunReport) throws
  /// An error has ended the run.
  func didFail(_ end: RunEnd)
}

extension TrainingObserver {
  /// Rank 0 alone.
  public var observesEveryRank: Bool { false }
  /// Does nothing.
  public func willTrain(_ plan: RunPlan) throws {}
  /// Does nothing.
  public func didStep(_ report: StepReport) throws {}
  /// Does nothing.
  public func didValidate(_ report: ValidationReport) throws {}
  /// Does nothing.
  public func willSave() throws {}
  /// Does nothing.
  public func didTrain(_ report: RunReport) throws {}
  /// Does nothing.
  public func didFail(_ end: RunEnd) {}
}
