import DLCluster
import DLCore
import DLData
import DLLayers
import DLTensor

extension Dataset {
  /// Rows of zeros, as a task would get them.
  ///
  /// - Parameter type: the type of the inputs.
  /// - Throws: ``TensorError`` when there is no memory.
  package func rowsOfZeros(
    _ rows: Int = 1, inputs type: DType, context: Context
  ) throws -> Batch {
    let x = try Tensor.zeros(
      Shape(inputShape).prepending(rows), dtype: type, context: context)
    let y = try Tensor.zeros(
      Shape(labelShape).prepending(rows), dtype: labelType == .int32 ? .int32 : context.precision,
      context: context)
    return Batch(x: x, y: y)
  }
}

extension RunSetup {
  /// Runs one row of zeros through network and loss in evaluation mode, so that every shape is
  /// checked before step 1, and then all values of the data against what both take.
  ///
  /// - Returns: the metrics that fit what the row shows of the task.
  func dryRun(_ configuration: Configuration, _ context: Context) throws -> MetricSet {
    let row = try data.train.rowsOfZeros(inputs: data.transform.outputType, context: context)
    let metrics = try task.metrics(
      configuration.validate, row, rows: data.validation?.count ?? 1)
    if let network = (task as? SupervisedTask)?.network {
      let outputs = try network(row.x).shape.last
      try requireOutputs(outputs, configuration)
      guard outputs >= data.train.classCount ?? 0 else {
        throw TensorError(
          op: "model",
          "has \(counted(outputs, "output")), the data has "
            + "\(counted(data.train.classCount ?? 0, "class", "classes")); widen its last layer")
      }
    }
    let domains = try task.domains(row)
    try data.train.check(domains)
    try data.validation?.check(domains)
    return metrics
  }

  /// Evaluates one row of zeros.
  ///
  /// - Throws: what the task throws, ``TensorError`` for shapes that do not fit.
  package func evaluateOneRow(_ context: Context) throws {
    let row = try data.train.rowsOfZeros(inputs: data.transform.outputType, context: context)
    var totals = ValidationTotals()
    try task.evaluate(row, into: &totals)
  }

  /// Rejects what would give a batch normalization a single value per channel in some step.
  func checkBatchNorms(_ configuration: Configuration) throws {
    var rows = sampler.smallestMicroBatch
    if !configuration.syncBatchNorm {
      rows = sharding.counts(in: rows).min() ?? rows
    }
    for case let norm as BatchNorm in arena.modules where rows * norm.valuesPerRow < 2 {
      throw TensorError(
        op: "batch_norm",
        "the smallest batch of an epoch has \(rows) row(s), one value per channel or none; change "
          + "batch_size, or set data.last_batch to drop or merge", path: norm.path)
    }
  }

  /// Checks that the outputs of a step's passes fit into the memory of the rank with most rows.
  ///
  /// - Parameter shares: the part of a batch that each rank would get.
  /// - Throws: `DataError` where they do not.
  package func checkActivations(of shares: [Int], _ context: Context) throws {
    try ActivationMemory.check(self, context, sharding: BatchSharding(shares: shares))
  }

  /// The bytes that a forward pass over so many rows keeps for the backward pass, at least; nil where
  /// nothing can be foreseen.
  ///
  /// - Throws: what the pass throws.
  package func keptBytes(ofRows rows: Int, _ context: Context) throws -> Int? {
    try ActivationMemory.foreseen(rows, self, context)?.value
  }

  /// Reads the first step's rows, as training would, and lets them go.
  ///
  /// - Throws: `DataError` or `FormatError` where they cannot be read.
  package func readFirstBatch() throws {
    let loader = try BatchLoader(
      dataset: data.train, sampler: sampler, sharding: sharding, rank: 0,
      transform: data.transform, augmentation: data.augmentation, mixing: data.mixing,
      workers: configuration.data.workers, endStep: 1)
    defer { loader.close() }
    _ = try loader.next()
  }
}

// Losses that would train on without learning what is meant.
extension RunSetup {
  /// True if the task learns by the configuration's loss.
  private var usesLoss: Bool {
    task is SupervisedTask || task is SequentialTask || task is GraphTask
  }

  /// Refuses to mix rows whose labels no one loss compares with one output.
  func requireMixable(_ configuration: Configuration) throws {
    guard configuration.data.mix != nil else { return }
    guard task is SupervisedTask else {
      throw UsageError("data.mix: mixes rows under one loss, this model has another; remove it")
    }
    guard configuration.adversarial == nil else {
      throw UsageError("data.mix: attacks look for a row's own label; give mix or adversarial")
    }
  }

  /// Refuses labels that are values where no loss is named: as probabilities of classes, which the
  /// default takes, they are rarely meant.
  func requireLoss(_ configuration: Configuration) throws {
    guard usesLoss, !configuration.loss.isChosen, data.train.labelType == .float32 else { return }
    let path = configuration.data.train ?? "data.train"
    let last = configuration.model.layers?.last
    let line = last.map(\.line) ?? 0
    let place = line > 0 ? " for the outputs of line \(line) (\(last?.word ?? ""))" : ""
    throw DataError(
      "loss: is not given\(place), and y of \(path) has F32 values; name one, as loss: mse for numbers, "
        + "loss: bce_with_logits for yes and no, loss: cross_entropy for a probability of each class"
    )
  }

  /// Refuses a single output under a loss of classes, which is 0 whatever the network learns.
  func requireOutputs(_ outputs: Int, _ configuration: Configuration) throws {
    guard outputs == 1, configuration.loss.loss is any ClassLoss else { return }
    let last = configuration.model.layers?.last
    let line = last.map(\.line) ?? 0
    let place = line > 0 ? " (line \(line): \(last?.word ?? ""))" : ""
    throw TensorError(
      op: "model",
      "has one output\(place), and \(configuration.loss.word) is 0 for whatever it is; give the last "
        + "layer an output for each class, or a loss for single values: bce_with_logits for yes and "
        + "no, mse for numbers")
  }
}
