import DLCluster
import DLConfiguration
import DLCore
import DLData
import DLLayers
import DLModels
import DLOptimizers
import DLTensor

/// A rank's own reading of a configuration, checked against each other: everything that can
/// be known without other ranks and without a step.
package struct RunSetup {
  let configuration: Configuration
  package let data: TrainingData
  package let task: any TrainingTask
  /// The metrics that validations measure, with sums of nothing.
  private(set) var metrics = MetricSet()
  package let arena: ParameterArena
  package let schedule: any Schedule
  package let sampler: Sampler
  let sharding: BatchSharding
  package let totalSteps: Int

  package init(
    _ configuration: Configuration, context: Context, task makeTask: TaskFactory,
    statistics: [String: FileStatistics] = [:]
  ) throws {
    // A run has the numbers from all of its ranks already.
    let configuration = try configuration.resolvingNormalization(
      statistics: statistics, over: SingleRank())
    self.configuration = configuration
    data = try TrainingData(configuration, statistics: statistics)
    sampler = try Sampler(
      count: data.train.count, batchSize: configuration.batchSize,
      repeats: configuration.data.repeats, accumulate: configuration.accumulate,
      order: configuration.data.order, lastBatch: configuration.data.lastBatch,
      seed: Int(clamping: configuration.seed),
      weighted: try configuration.data.sampler?.rows(of: data.train))
    sharding = try RunSetup.sharding(configuration, ranks: context.communicator.size)
    totalSteps = try RunSetup.totalSteps(configuration, sampler)

    task = try makeTask(
      TaskInput(
        configuration: configuration, inputShape: data.modelInput,
        classes: data.train.classCount, tokenizer: try data.tokenizer, context: context))
    try RunSetup.checkMemory(of: task.model, context)
    arena = try ParameterArena(task.model, context: context)
    try RunSetup.checkNames(configuration, task)
    schedule = configuration.learningRate(
      totalSteps: totalSteps, stepsPerEpoch: sampler.stepsPerEpoch)
    try Demand.check(demands)
    try requireLoss(configuration)
    try requireMixable(configuration)
    try requireAttackable(context)
    metrics = try ActivationMemory.limited(context) { try dryRun(configuration, context) }
    try checkBatchNorms(configuration)
  }

  /// The demands of the job that cannot be met, now that data and model are known.
  private var demands: [Demand] {
    configuration.demands + data.demands + task.demands + arena.demands + fittingDemands
  }

  /// True if the ranks may share parameters and shard the optimizer state: not where something
  /// needs the whole gradient on every rank, nor where ranks step by themselves.
  var canShardParameters: Bool {
    !demands.contains {
      $0.needs.contains(.wholeGradient) || $0.precludes.contains(.gradientExchange)
    }
  }

  /// The optimizers of the task's phases, once the arena lies where it stays.
  ///
  /// - Parameter bucketBytes: the bytes of gradients that are reduced together; nil for all.
  func makeOptimizers(context: Context, bucketBytes: Int?) throws -> [PhaseOptimizer] {
    try task.phases.reduce(into: []) { optimizers, phase in
      optimizers.append(
        try PhaseOptimizer(
          phase, configuration.optimizer(of: phase), arena: arena, context: context,
          bucketBytes: bucketBytes, after: optimizers))
    }
  }

  /// Sets the optimizers up and lets them go.
  ///
  /// - Throws: ``TensorError`` where one does not take the parameters.
  package func checkOptimizers(_ context: Context) throws {
    _ = try makeOptimizers(context: context, bucketBytes: nil)
  }

  /// Compares the file to start from, if there is one, with the model.
  ///
  /// - Throws: what reading it throws, and `StateDictError` where it does not fit the model.
  package func checkInitialWeights() throws {
    try InitialWeights(configuration)?.check(arena)
  }

  /// The length of the run in steps.
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
    // Each rank has gradients of its own.
    try (elements * context.precision.byteCount).checkMemory(
      for: "model: \(elements.value) parameters", advice: "use smaller layers, or fewer ranks",
      isOfEachRank: true)
  }

  private static func checkNames(_ configuration: Configuration, _ task: any TrainingTask) throws {
    let names = task.phases.map(\.name)
    for name in configuration.optimizers.keys.sorted() where !names.contains(name) {
      throw TensorError(
        op: "optimizers.\(name)",
        "the model has no such part, only \(names.joined(separator: ", "))")
    }
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
}

extension Configuration {
  /// The settings of a phase's optimizer.
  func optimizer(of phase: TrainingPhase) -> OptimizerConfiguration {
    optimizers[phase.name] ?? optimizer
  }
}
