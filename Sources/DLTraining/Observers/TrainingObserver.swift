import DLCluster
import DLCore
import DLTensor

/// The outcome of a step.
package struct StepReport: Sendable {
  /// The optimizer step, counted from 1.
  package let step: Int
  /// The epoch that the step lies in, counted from 0.
  package let epoch: Int
  /// The mean loss over the global batch, before the update.
  package let loss: Double
  /// The learning rate of the update.
  package let learningRate: Double
  /// Rows of the global batch.
  package let rows: Int
  /// The loss of each phase by its name, where there are several; ``loss`` is their sum.
  package let parts: [(name: String, loss: Double)]
  /// The parts of the time, on rank 0.
  package let times: StepTimes
  /// The bytes that went between hosts, or processes that share no memory.
  package let traffic: CommunicationVolume

  /// Seconds that the step took on rank 0.
  package var seconds: Double { times.total }
}

/// The outcome of a validation.
package struct ValidationReport: Sendable {
  /// Optimizer steps done.
  package let step: Int
  /// Epochs done.
  package let epoch: Int
  /// The mean loss over the validation set.
  package let loss: Double
  /// The task's own metrics.
  package let defaults: [MetricResult]
  /// The metrics that `validate.metrics` names besides.
  package let named: [MetricResult]
  /// Rows that were predicted.
  package let rows: Int

  init(_ validation: Validation, step: Int, epoch: Int, rows: Int) {
    self.step = step
    self.epoch = epoch
    loss = validation.loss
    defaults = validation.defaults
    named = validation.named
    self.rows = rows
  }

  /// All metrics, the task's own first.
  package var metrics: [MetricResult] { defaults + named }

  /// A metric by its name; nil where there is none.
  package subscript(name: String) -> MetricResult? { metrics.first { $0.name == name } }

  /// The share of labels predicted right; nil where it is not measured.
  package var accuracy: Double? { self[Accuracy.word]?.value }

  /// The loss as a metric.
  package var lossMetric: MetricResult { MetricResult("loss", loss, higherIsBetter: false) }

  /// The first of the task's own metrics, else the loss.
  var main: MetricResult { defaults.first ?? lossMetric }
}

/// The end of a run.
package struct RunReport: Sendable {
  /// The job's name.
  package let name: String
  /// The run folder.
  package let folder: String
  /// The newest checkpoint; nil where none was written.
  package let checkpoint: String?
  /// Optimizer steps done over the run's life.
  package let step: Int
  /// Optimizer steps of the whole job.
  package let totalSteps: Int
  /// Epochs of the whole job, rounded up.
  package let epochs: Int
  /// Ranks.
  package let ranks: Int
  /// Parameters.
  package let parameters: Int
  /// The last step's loss; nil where no step was made.
  package let loss: Double?
  /// The last validation.
  package let validation: ValidationReport?
  /// The best validation's step and value.
  package let best: CheckpointPosition.Best?
  /// The name of the metric that chose it; nil without a validation.
  package let monitor: String?
  /// Seconds from the first step to the end.
  package let seconds: Double
  /// Rows per second of training steps, all ranks together.
  package let samplesPerSecond: Double
  /// True if the run stopped before its last step, to be resumed.
  package let isInterrupted: Bool
  /// True if it stopped since it has come to ``TrainingOptions/stopAtStep``.
  package let hasReachedStop: Bool
  /// The bytes that went between hosts, or processes that share no memory, in the steps made now.
  package let traffic: CommunicationVolume
  /// The time of each op in the steps made now, on rank 0; nil unless it was taken.
  package let profile: [OpProfile.Row]?
  /// The reason of its end.
  package let end: RunEnd
}

/// The plan of a run, known before its first step.
package struct RunPlan: Sendable {
  /// The job's name.
  package let name: String
  /// The run folder.
  package let folder: String
  /// The step that the run goes on from; 0 at its beginning.
  package let startStep: Int
  /// Optimizer steps of the whole job.
  package let totalSteps: Int
  /// Optimizer steps per epoch.
  package let stepsPerEpoch: Int
  /// Ranks.
  package let ranks: Int
  /// Rows of the training set.
  package let rows: Int
  /// True if there are rows to validate on.
  package let isValidated: Bool
  /// Rows of batches that each of them gives in an epoch.
  package let repeats: Int
  /// Rows per optimizer step over all ranks.
  package let batchSize: Int
  /// Parameters.
  package let parameters: Int
  /// float32 or float64.
  package let precision: String
  /// The name of the task's own metric; nil for the accuracy, or none.
  package let metric: String?
  /// The names of the metrics named besides that are one number each.
  package let metrics: [String]
  /// The choice of whether gradients go between hosts during the backward pass; nil where none go
  /// between hosts.
  package let overlap: String?
  /// True if batch norms of the network gather their statistics over several ranks.
  package let gathersStatistics: Bool

  /// True if the job ends before the rows have been gone through once.
  package var isWithinEpoch: Bool { totalSteps < stepsPerEpoch }

  /// The place of a step in the job, for the first column of a run's table: `3/15` at the end of an epoch, `2.4/15`
  /// within one, `40%` in a job of less than one.
  package func place(of step: Int) -> String {
    if isWithinEpoch { return Format.percent(Double(step) / Double(max(totalSteps, 1)), 0) }
    func text(_ step: Int) -> String {
      let epochs = epochs(at: step)
      return Format.fixed(epochs, epochs.rounded() == epochs ? 0 : 1)
    }
    return "\(text(step))/\(text(totalSteps))"
  }

  private func epochs(at step: Int) -> Double { Double(step) / Double(max(stepsPerEpoch, 1)) }
}

/// Watches a run, on rank 0.
package protocol TrainingObserver: AnyObject {
  /// True if it watches every rank that it is given to, and not rank 0 alone.
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
  package var observesEveryRank: Bool { false }
  /// Does nothing.
  package func willTrain(_ plan: RunPlan) throws {}
  /// Does nothing.
  package func didStep(_ report: StepReport) throws {}
  /// Does nothing.
  package func didValidate(_ report: ValidationReport) throws {}
  /// Does nothing.
  package func willSave() throws {}
  /// Does nothing.
  package func didTrain(_ report: RunReport) throws {}
  /// Does nothing.
  package func didFail(_ end: RunEnd) {}
}
