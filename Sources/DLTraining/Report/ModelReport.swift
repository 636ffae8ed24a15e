import DLCluster
import DLData
import DLFormats
import DLLayers
import DLTensor

/// What a configuration would run.
public struct ModelReport {
  private let configuration: Configuration
  private let parts: TrainerParts

  /// Builds the model and opens the data on one rank: everything that can be checked without
  /// training.
  ///
  /// - Throws: `DataError`, `FormatError`, `TensorError`, `UsageError` with several faults of data
  ///   files at once.
  public init(_ configuration: Configuration) throws {
    BLAS.useOneThread()
    self.configuration = configuration
    // How the rows are dealt out to ranks is settled when the ranks are there.
    var alone = configuration
    alone.shares = nil
    try ModelReport.checkFiles(configuration)
    let context = Context(precision: configuration.precision.dtype, seed: configuration.seed)
    parts = try TrainerParts(alone, context: context, task: TaskInput.factory())
    try parts.readFirstBatch()
  }

  /// Names and values: data, steps, parameters.
  public var summary: String {
    let data = parts.data
    var rows = [
      ["name", configuration.name ?? configuration.model.name ?? "train"],
      [
        "training rows",
        "\(Text.grouped(data.train.count)) of \(data.train.inputType) \(data.train.inputShape)",
      ],
    ]
    if let validation = data.validation {
      rows.append(["validation rows", Text.grouped(validation.count)])
    }
    if let classes = data.train.classCount { rows.append(["classes", Text.grouped(classes)]) }
    rows += [
      [
        "batch",
        "\(Text.grouped(configuration.batchSize)) rows in \(configuration.accumulate) micro-batch(es)",
      ],
      ["steps per epoch", Text.grouped(parts.sampler.stepsPerEpoch)],
      ["steps", Text.grouped(parts.totalSteps)],
      ["parameters", Text.grouped(parameterCount(of: parts.arena.parameters))],
      ["precision", configuration.precision.rawValue],
      ["optimizer", "\(configuration.optimizer.name.rawValue), lr \(configuration.optimizer.lr)"],
    ]
    return Text.table(rows)
  }

  /// The layers in order with the shape of what they put out, without the batch, and their
  /// parameters.
  ///
  /// - Throws: `TensorError` where a layer does not take its input.
  public func layers() throws -> String {
    var rows = [["layer", "type", "output", "parameters"]]
    var shape = Shape(parts.data.train.inputShape)
    rows.append(["", "input", "\(shape)", ""])
    let network = parts.task.model
    let layers: [any Layer] =
      (network as? Sequential)?.layers ?? ((network as? any Layer).map { [$0] } ?? [])
    for layer in layers {
      shape = try layer.located { try layer.outputShape(for: shape) }
      let own = parts.arena.parameters.filter {
        layer.path.isEmpty || $0.name.hasPrefix(layer.path + ".")
      }
      rows.append([
        layer.path, "\(type(of: layer))", "\(shape)",
        own.isEmpty ? "" : Text.grouped(parameterCount(of: own)),
      ])
    }
    rows.append(["", "total", "", Text.grouped(parameterCount(of: parts.arena.parameters))])
    return Text.table(rows, rightAligned: [3])
  }

  /// Opens the data files one by one, so that the faults of all are told.
  private static func checkFiles(_ configuration: Configuration) throws {
    let data = configuration.data
    var faults: [any DLError] = []
    for path in [data.train, data.validation].compactMap({ $0 }) {
      do {
        _ = try TensorFileDataset(path: EmbeddedData.resolve(path), classes: data.classes)
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
