import DLCluster
import DLCore
import DLData
import DLFormats
import DLJobs
import DLLayers
import DLTensor
import DLTraining

/// A report of what a configuration would run.
package struct ModelReport {
  let configuration: Configuration
  let setup: RunSetup
  let context: Context

  /// Builds the model and opens the data on one rank: everything that can be checked without
  /// training.
  ///
  /// - Parameters:
  ///   - task: makes what would be trained; by default the configuration's model with the task that
  ///     fits it.
  ///   - ranks: those that would deal out a batch, or as many as `shares` names: what the layers
  ///     put out for it is compared with the memory; nil to leave that out.
  /// - Throws: `DataError`, `FormatError`, `TensorError`; `RankFailure` with the faults of all data
  ///   files at once.
  package init(
    _ configuration: Configuration, task: TaskFactory? = nil, ranks: Int? = nil
  ) throws {
    configuration.engine.select()
    self.configuration = configuration
    // How the rows are dealt out to ranks is settled when the ranks are there.
    var alone = configuration
    alone.shares = nil
    let statistics = try TrainingData.statistics(configuration, over: SingleRank())
    try ModelReport.checkFiles(configuration, statistics)
    context = configuration.precision.context(seed: configuration.seed)
    setup = try RunSetup(
      alone, context: context, task: task ?? TaskInput.factory(), statistics: statistics)
    try setup.readFirstBatch()
    try setup.checkInitialWeights()
    if let ranks {
      let equal = Array(repeating: 1, count: ranks)
      try setup.checkActivations(of: configuration.shares ?? equal, context)
    }
  }

  /// Checks besides that the optimizers take the parameters.
  ///
  /// - Throws: `TensorError` where an optimizer does not take the parameters, or without memory;
  ///   `OptimizerError` for a number that its rule does not take.
  package func checkOptimizers() throws { try setup.checkOptimizers(context) }

  /// Names and values: data, steps, parameters.
  package var summary: String { summary(columns: nil) }

  /// Names and values: data, steps, parameters.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  package func summary(columns: Int?) -> String {
    let data = setup.data
    var rows = [
      ["name", configuration.name ?? configuration.model.name ?? "train"],
      [
        "training rows",
        "\(Format.grouped(data.train.count)) of \(data.train.inputType) \(data.train.inputShape)",
      ],
    ]
    if setup.sampler.repeats > 1 { rows.append(["views of each", "\(setup.sampler.repeats)"]) }
    if let validation = data.validation {
      rows.append(["validation rows", Format.grouped(validation.count)])
    }
    if let classes = data.train.classCount { rows.append(["classes", Format.grouped(classes)]) }
    rows += [
      [
        "batch",
        Format.count(configuration.batchSize, "row") + " in "
          + Format.count(configuration.accumulate, "micro-batch", "micro-batches"),
      ],
      ["steps per epoch", Format.grouped(setup.sampler.stepsPerEpoch)],
      ["steps", Format.grouped(setup.totalSteps)],
      ["parameters", Format.grouped(parameterCount(of: setup.arena.parameters))],
      ["precision", configuration.precision.rawValue],
      [
        "optimizer",
        "\(configuration.optimizer.name.rawValue), lr \(configuration.optimizer.lr)"
          + configuration.rateFactorText,
      ],
    ]
    for group in configuration.optimizer.groups where !group.frozen {
      let name = group.name ?? configuration.optimizer.name
      rows.append([
        "", "\(name.rawValue), lr \(group.lr ?? configuration.optimizer.lr) for \(group.match)",
      ])
    }
    return Format.table(rows, columns: columns)
  }

  /// The learning rate over the run.
  package var learningRate: LearningRateCurve {
    LearningRateCurve(
      name: configuration.schedule.name.rawValue, base: configuration.optimizer.lr,
      scaling: configuration.rateFactorText,
      schedule: setup.schedule, totalSteps: setup.totalSteps,
      stepsPerEpoch: setup.sampler.stepsPerEpoch,
      goesByValidation: configuration.schedule.goesByValidation)
  }

  /// Opens the data files one by one, so that the faults of all are told.
  private static func checkFiles(
    _ configuration: Configuration, _ statistics: [String: FileStatistics]
  ) throws {
    let data = configuration.data
    var faults: [any DLError] = []
    for path in [data.train, data.validation].compactMap({ $0 }) {
      do {
        _ = try TrainingData.open(path, .training, configuration, statistics: statistics)
      } catch let fault as any DLError {
        faults.append(fault)
      }
    }
    guard let first = faults.first else { return }
    throw RankFailure(
      rank: 0, exitCode: first.exitCode, message: faults.map { "\($0)" }.joined(separator: "\n"))
  }

  func parameterCount(of parameters: [Parameter]) -> Int {
    parameters.reduce(0) { $0 + $1.shape.count }
  }
}
