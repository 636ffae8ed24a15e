import DLCluster
import DLConfiguration
import DLData
import DLLayers
import DLModels
import DLOptimizers
import DLTensor

/// Everything of a trainer that a rank makes by itself, checked against each other.
struct TrainerParts {
  let data: TrainingData
  let task: any TrainingTask
  let arena: ParameterArena
  let schedule: any Schedule
  let plateau: PlateauReduction?
  let average: RunAverage?
  let sampler: Sampler
  let sharding: BatchSharding
  let totalSteps: Int

  init(
    _ configuration: Configuration, context: Context, task makeTask: TaskFactory,
    statistics: [String: FileStatistics] = [:]
  ) throws {
    let ranks = context.communicator.size
    data = try TrainingData(configuration, statistics: statistics)
    sampler = try Sampler(
      count: data.train.count, batchSize: configuration.batchSize,
      repeats: configuration.data.repeats, accumulate: configuration.accumulate,
      order: configuration.data.order, lastBatch: configuration.data.lastBatch,
      seed: Int(clamping: configuration.seed))
    sharding = try TrainerParts.sharding(configuration, ranks: ranks)
    totalSteps = try TrainerParts.totalSteps(configuration, sampler)

    task = try makeTask(
      TaskInput(
        configuration: configuration, inputShape: data.modelInput,
        classes: data.train.classCount, tokenizer: try data.tokenizer, context: context))
    try TrainerParts.checkMemory(of: task.model, context)
    arena = try ParameterArena(task.model, context: context)
    try TrainerParts.checkNames(configuration, task)
    schedule = configuration.learningRate(
      totalSteps: totalSteps, stepsPerEpoch: sampler.stepsPerEpoch)
    plateau = try configuration.schedule.makePlateauReduction()
    guard plateau == nil || data.validation != nil else {
      throw TensorError(
        op: "schedule",
        "reduce_on_plateau goes by the validation, and there is none; give data.validation")
    }
    average = try RunAverage.make(
      configuration, arena: arena, totalSteps: totalSteps, stepsPerEpoch: sampler.stepsPerEpoch)
    try requireLoss(configuration)
    try tryOut(configuration, context)
    try checkBatchNorms(configuration)
  }

  /// The length of the run.
  private static func totalSteps(_ configuration: Configuration, _ sampler: Sampler) throws -> Int {
    if let steps = configuration.steps { return steps }
    let epochs = configuration.epochs ?? 1
    // Within 2^53 every number of steps is exact in floating point too.
    guard
      let steps = Int(exactly: (epochs * Double(sampler.stepsPerEpoch)).rounded()), steps <= 1 << 53
    else {
      throw DataError(
        "epochs: \(epochs) epochs of \(sampler.stepsPerEpoch) steps are more than 2^53 steps; lower it"
      )
    }
    return steps
  }

  /// Throws where parameters and gradients exceed the memory that is left, before any is taken.
  private static func checkMemory(of model: Module, _ context: Context) throws {
    let sizes = model.parameters().map { CheckedSize($0.shape.count) }
    let elements = sizes.reduce(CheckedSize(0), +)
    // Values and gradients, and first values in float64.
    let bytes = elements * (2 * context.precision.byteCount) + (sizes.max() ?? CheckedSize(0)) * 8
    try bytes.checkMemory(
      for: "model: \(elements.value) parameters", advice: "use smaller or fewer layers")
  }

  private static func checkNames(_ configuration: Configuration, _ task: any TrainingTask) throws {
    let names = task.phases.map(\.name)
    for name in configuration.optimizers.keys.sorted() where !names.contains(name) {
      throw TensorError(
        op: "optimizers.\(name)",
        "the model has no such part, only \(names.joined(separator: ", "))")
    }
  }

  /// The task's phases with the optimizers that the configuration gives them, once the arena lies
  /// where it stays.
  ///
  /// - Parameter bucketBytes: the bytes of gradients that are reduced together; nil for all.
  func phases(_ configuration: Configuration, context: Context, bucketBytes: Int?) throws
    -> [UpdatePhase]
  {
    try task.phases.map { phase in
      try UpdatePhase(
        phase, configuration.optimizer(of: phase), arena: arena, context: context,
        bucketBytes: bucketBytes)
    }
  }

  /// Whether the ranks may share parameters and shard the optimizer state: not where something
  /// between the updates changes all parameters on every rank, or needs the whole gradient there, nor
  /// where ranks step by themselves.
  func canShare(_ configuration: Configuration) -> Bool {
    configuration.localSGD == nil
      && task.phases.allSatisfy {
        let optimizer = configuration.optimizer(of: $0)
        return optimizer.sam == nil && optimizer.lbfgs == nil
      } && !arena.modules.contains { ($0 as? Embedding)?.maxNorm != nil }
  }

  private static func sharding(_ configuration: Configuration, ranks: Int) throws -> BatchSharding {
    guard let shares = configuration.shares else { return try BatchSharding(ranks: ranks) }
    guard shares.count == ranks else {
      throw DataError(
        "shares: \(counted(shares.count, "number")) for \(counted(ranks, "rank")), give one per rank"
      )
    }
    return try BatchSharding(shares: shares)
  }

  /// Runs one row of zeros through network and loss in evaluation mode, so that every shape is
  /// checked before step 1, and then all values of the data against what both take.
  private func tryOut(_ configuration: Configuration, _ context: Context) throws {
    let row = try evaluateOneRow(context)
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
  }

  /// Evaluates one row of zeros, and returns it.
  @discardableResult
  func evaluateOneRow(_ context: Context) throws -> Batch {
    let row = try data.train.rowOfZeros(inputs: data.transform.outputType, context: context)
    var totals = ValidationTotals()
    totals.sums = [Double](repeating: 0, count: task.validationSumCount)
    try task.evaluate(row, into: &totals)
    return row
  }

  /// Rejects what would give a batch normalisation a single value per channel in some step.
  private func checkBatchNorms(_ configuration: Configuration) throws {
    var rows = sampler.smallestMicroBatch
    if !configuration.syncBatchNorm {
      let shares = (0..<sharding.rankCount).map { sharding.rows(of: $0, in: rows).count }
      rows = shares.min() ?? rows
    }
    for case let norm as BatchNorm in arena.modules where rows * norm.valuesPerRow < 2 {
      throw TensorError(
        op: "batch_norm",
        "the smallest batch of an epoch has \(rows) row(s), one value per channel or none; change "
          + "batch_size, or set data.last_batch to drop or merge", path: norm.path)
    }
  }
}

extension TrainerParts {
  /// Reads the first step's rows, as training would, and lets them go.
  func readFirstBatch() throws {
    let loader = try BatchLoader(
      dataset: data.train, sampler: sampler, sharding: sharding, rank: 0,
      transform: data.transform, augmentation: data.augmentation, endStep: 1)
    defer { loader.close() }
    _ = try loader.next()
  }
}

extension Configuration {
  /// The settings of a phase's optimizer.
  func optimizer(of phase: TrainingPhase) -> OptimizerConfiguration {
    optimizers[phase.name] ?? optimizer
  }
}
