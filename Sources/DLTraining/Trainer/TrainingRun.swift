import CKernels
import DLCluster
import DLData
import DLLayers
import DLOptimizers
import DLTensor

/// A run on one rank: what it trains, on which data and with whom, and how far it is.
///
/// The parts and update strategies of a trainer know each other by this alone.
final class TrainingRun {
  let configuration: Configuration
  let options: TrainingOptions
  let communicator: TimedCommunicator
  let context: Context
  let data: TrainingData
  let task: any TrainingTask
  /// The metrics that validations measure, with sums of nothing.
  let metrics: MetricSet
  /// This rank's parameters, gradients and buffers.
  let arena: ParameterArena
  /// The optimizers of the task's phases, in their order.
  let optimizers: [PhaseOptimizer]
  /// The learning rate over the steps, as a factor.
  let schedule: any Schedule
  let sampler: Sampler
  let sharding: BatchSharding
  let totalSteps: Int
  /// After which steps to validate and to save.
  let triggers: StepTriggers
  /// When each rank steps by itself; nil for never.
  let localSGD: PeriodicSteps?
  /// The choice of whether gradients go between hosts during the backward pass, and why not; nil
  /// where none go.
  let overlap: OverlapPolicy?
  /// The exchange of ranks in a step.
  let exchange: StepExchange
  /// The record of what this rank's threads did when; nil unless a trace is wanted.
  let timeline: Timeline?
  /// Takes the time of ops while steps are made; nil unless that is wanted.
  let profile: OpProfile?
  /// Takes one-line notices for the user, on rank 0.
  let warn: (String) -> Void

  /// Told of what happens, on rank 0 only unless they observe every rank.
  var observers: [any TrainingObserver]
  /// The steps and updates made, and the best validation.
  var position: CheckpointPosition
  var lastLoss: Double?
  var lastValidation: ValidationReport?
  /// True if a loss or gradient that is no number ends the run.
  var hasDiverged = false

  /// Opens the data, builds the model, compares the job with that of the other ranks, and puts the
  /// parameters into the memory that the ranks share; collective.
  ///
  /// - Throws: `RankFailure`, the same on every rank.
  init(
    _ given: Configuration, options: TrainingOptions, communicator: any Communicator,
    observers: [any TrainingObserver], warn: @escaping (String) -> Void, task makeTask: TaskFactory
  ) throws {
    self.options = options
    let timeline = options.trace == nil ? nil : Timeline()
    let profile = options.profiles && communicator.rank == 0 ? OpProfile() : nil
    let timed = TimedCommunicator(
      communicator, timeline: timeline, progress: options.progress, profile: profile)
    let context = given.precision.context(over: timed, seed: given.seed)
    context.synchronizesBatchNorm = given.syncBatchNorm
    context.progress = options.progress
    self.timeline = timeline
    self.profile = profile
    self.communicator = timed
    self.context = context
    self.warn = timed.rank == 0 ? warn : { _ in }
    self.observers = observers.filter { timed.rank == 0 || $0.observesEveryRank }
    exchange = StepExchange(timed)

    let statistics = try TrainingData.statistics(given, over: timed)
    let configuration = try given.resolvingNormalization(
      statistics: statistics, over: timed)
    self.configuration = configuration.starting(by: options)
    let setup = try timed.agreed("set the run up") {
      try RunSetup(configuration, context: context, task: makeTask, statistics: statistics)
    }
    try Handshake(
      configuration: configuration, options: options, data: setup.data,
      parameterCount: setup.arena.parameterCount
    ).compare(over: timed)
    if setup.canShardParameters, let topology = timed.topology {
      let shared = try ShardedReducer(
        timed, topology, byteCount: setup.arena.count * setup.arena.dtype.byteCount)
      if let reason = shared.reason {
        self.warn("\(reason); each process has its own parameters")
      }
      try setup.arena.move(to: shared)
    }
    let overlap = try OverlapPolicy(configuration, setup.arena)
    optimizers = try timed.agreed("set the optimizers up") {
      let optimizers = try setup.makeOptimizers(context: context, bucketBytes: overlap?.bucketBytes)
      try ActivationMemory.check(setup, context)
      return optimizers
    }
    self.overlap = overlap
    (data, task, arena) = (setup.data, setup.task, setup.arena)
    metrics = setup.metrics
    (schedule, sampler, sharding) = (setup.schedule, setup.sampler, setup.sharding)
    totalSteps = setup.totalSteps
    triggers = StepTriggers(
      configuration, stepsPerEpoch: setup.sampler.stepsPerEpoch, totalSteps: setup.totalSteps,
      hasValidation: setup.data.validation != nil)
    localSGD = configuration.localSGD.map {
      $0.averagings(stepsPerEpoch: setup.sampler.stepsPerEpoch)
    }
    position = CheckpointPosition(seed: configuration.seed)
    position.updates = [Int](repeating: 0, count: optimizers.count)
  }

  /// The clock of this rank's activities.
  var clock: ActivityClock { communicator.clock }

  /// The job's name: the configuration's, or that of its model.
  var name: String { configuration.runName }

  /// True if the step to come is each rank's own.
  var stepsLocally: Bool { localSGD.map { position.step >= $0.start } ?? false }

  /// True if all ranks hold the same parameters after the steps made so far.
  ///
  /// Whatever leaves the ranks or looks at them, a checkpoint, a validation, the end, is made where
  /// they do. When that is follows from the configuration alone, so that a run which was stopped
  /// goes on as if it had not been.
  var ranksAreEqual: Bool {
    guard let localSGD, position.step > localSGD.start else { return true }
    let due = triggers.due(after: position.step)
    return localSGD.isDue(afterStep: position.step) || due.validation || due.checkpoint
  }

  /// Runs what only this rank does between collectives; its error ends all ranks at the next
  /// agreement.
  func local(_ body: () throws -> Void) throws {
    guard exchange.failure == nil else { return }
    do { try body() } catch { exchange.failure = error }
  }

  /// Brings some elements of an array to their means over the ranks, summed along the fixed tree;
  /// collective.
  ///
  /// - Parameter start: the element that the ranges are counted from.
  func averageOverRanks(
    _ base: UnsafeMutableRawPointer, _ ranges: some Collection<Range<Int>>, from start: Int = 0
  ) throws {
    let width = arena.dtype.byteCount
    for range in ranges {
      let first = base + (start + range.lowerBound) * width
      try communicator.allreduceSum(first, count: range.count, type: arena.dtype.element)
      dl_divide_by(arena.dtype.kernel, range.count, first, Double(communicator.size))
    }
  }
}
