import DLCluster
import DLCore
import DLData
import DLFormats
import DLJobs
import DLLayers
import DLTensor
import DLTraining

/// What a configuration would run.
package struct ModelReport {
  private let configuration: Configuration
  private let setup: RunSetup
  private let context: Context

  /// Builds the model and opens the data on one rank: everything that can be checked without
  /// training.
  ///
  /// - Parameter task: makes what would be trained; by default the configuration's model with the
  ///   task that fits it.
  /// - Throws: `DataError`, `FormatError`, `TensorError`, `UsageError` with several faults of data
  ///   files at once.
  package init(_ configuration: Configuration, task: TaskFactory? = nil) throws {
    BLAS.useOneThread()
    self.configuration = configuration
    // How the rows are dealt out to ranks is settled when the ranks are there.
    var alone = configuration
    alone.shares = nil
    let statistics = try TrainingData.statistics(configuration, over: SingleRank())
    try ModelReport.checkFiles(configuration, statistics)
    context = Context(precision: configuration.precision.dtype, seed: configuration.seed)
    setup = try RunSetup(
      alone, context: context, task: task ?? TaskInput.factory(), statistics: statistics)
    try setup.readFirstBatch()
  }

  /// Checks besides that the optimizers take the parameters.
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

  /// The layers in the order in which a row goes through them: the shape of what they put out,
  /// without the batch, their parameters, the products that they add up for a row, and how many
  /// pixels of the input one of their outputs depends on.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  /// - Throws: `TensorError` where a layer does not take its input.
  package func layers(columns: Int? = nil) throws -> String {
    let trace = try LayerTrace.of(context) {
      try context.withoutRecording { try setup.evaluateOneRow(context) }
    }
    let input = Shape(setup.data.train.inputShape)
    let isImage = input.rank == 3
    var rows = [["layer", "type", "output", "parameters", "multiply-adds", "field"]]
    rows.append(["", "input", "\(input)", "", "", isImage ? "1" : ""])
    var seen: Set<ObjectIdentifier> = []
    var products = 0
    for step in trace.steps {
      // The weights of a layer's setup, and those that are used again, count where they came first.
      let parameters = parameters(of: step.layer).filter {
        seen.insert(ObjectIdentifier($0)).inserted
      }
      guard !step.isContainer || !parameters.isEmpty else { continue }
      let multiplyAdds = step.multiplyAdds
      products = min(products, Int.max - multiplyAdds) + multiplyAdds
      rows.append([
        step.layer.path, "\(type(of: step.layer))", "\(step.output.shape.dropFirst())",
        parameters.isEmpty ? "" : Format.grouped(parameterCount(of: parameters)),
        multiplyAdds == 0 ? "" : Format.grouped(multiplyAdds), isImage ? step.field.text : "",
      ])
    }
    rows.append([
      "", "total", "", Format.grouped(parameterCount(of: setup.arena.parameters)),
      Format.grouped(products),
    ])
    if !isImage { rows = rows.map { Array($0.prefix(5)) } }
    return Format.table(rows, rightAligned: [3, 4, 5], columns: columns)
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

  private func parameters(of layer: any Layer) -> [Parameter] {
    setup.arena.parameters.filter {
      layer.path.isEmpty || $0.name.hasPrefix(layer.path + ".")
    }
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

  private func parameterCount(of parameters: [Parameter]) -> Int {
    parameters.reduce(0) { $0 + $1.shape.count }
  }
}
