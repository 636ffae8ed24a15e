import DLCluster
import DLData
import DLFormats
import DLLayers
import DLOptimizers
import DLTensor

/// Trains a task: every rank runs one, and all make the same calls.
///
/// A step is: load this rank's rows, agree on the denominator, forward and backward, sum the
/// gradients over the ranks, check them, update. Counterpart: Lightning's `Trainer`.
public final class Trainer {
  let configuration: Configuration
  let options: TrainingOptions
  let communicator: TimedCommunicator
  let context: Context
  let data: TrainingData
  let task: any TrainingTask
  /// This rank's parameters, gradients and buffers.
  public let arena: ParameterArena
  let phases: [UpdatePhase]
  /// Whether gradients go between hosts during the backward pass, and why not; nil where none go.
  let overlap: OverlapChoice?
  /// What the errors kept by the compression of gradients are a state of; nil without it.
  let compression: String?
  /// Compares the ranks' copies of parameters and buffers; nil where nobody wants it.
  var comparison: CopyComparison?
  let schedule: any Schedule
  let average: RunAverage?
  /// When each rank steps by itself; nil for never.
  let localSGD: LocalSGDPlan?
  let sampler: Sampler
  let sharding: BatchSharding
  let totalSteps: Int
  let exchange: StepExchange
  let report: (String) -> Void
  /// What this rank's threads did when; nil unless a trace is wanted.
  let timeline: Timeline?
  /// What this rank's time is spent on.
  var clock: ActivityClock { communicator.clock }

  var position: CheckpointPosition
  /// What the rate is multiplied by besides the schedule; nil where it does not go by validations.
  var plateau: PlateauReduction?
  var folder: RunFolder?
  var folderPath = ""
  var observers: [any TrainingObserver] = []
  var lastLoss: Double?
  var lastValidation: ValidationReport?
  var lastSaved: Int?
  /// What the run notes about itself, on rank 0.
  var record: RunRecord?
  /// Where the timeline is left; nil unless a trace is wanted.
  var trace: TraceFile?
  /// Whether a loss or gradient that is no number ends the run.
  var hasDiverged = false
  /// The rows of the step in work, a batch for each micro-batch.
  var batches: [Batch] = []

  /// Sets a run up: opens the data, builds the model, checks one against the other, and loads the
  /// state to start from.
  ///
  /// - Parameters:
  ///   - configuration: the job.
  ///   - communicator: this rank's peers; every rank makes its trainer with the same arguments.
  ///   - observers: told of what happens, on rank 0 only unless they observe every rank.
  ///   - report: takes one-line notices, such as a damaged checkpoint that was passed over; rank 0
  ///     only.
  ///   - makeOwnTask: makes what is trained; by default the configuration's model with the task that fits
  ///     it.
  /// - Throws: `RankFailure`, the same on every rank, for anything wrong with configuration, data
  ///   or files.
  public init(
    _ configuration: Configuration, options: TrainingOptions = TrainingOptions(),
    communicator: any Communicator, observers: [any TrainingObserver] = [],
    report: @escaping (String) -> Void = { _ in }, task makeOwnTask: TaskFactory? = nil
  ) throws {
    BLAS.useOneThread()
    RunPhase.start.show()
    self.configuration = configuration
    self.options = options
    let timeline = options.trace == nil ? nil : Timeline()
    self.timeline = timeline
    let timed = TimedCommunicator(
      communicator, timeline: timeline, progress: options.progress)
    self.communicator = timed
    self.report = timed.rank == 0 ? report : { _ in }
    self.observers = observers.filter { timed.rank == 0 || $0.observesEveryRank }
    let context = Context(
      communicator: timed, precision: configuration.precision.dtype, seed: configuration.seed)
    context.synchronizesBatchNorm = configuration.syncBatchNorm
    context.progress = options.progress
    self.context = context
    position = CheckpointPosition(seed: configuration.seed)
    exchange = StepExchange(timed)

    let statistics = try TrainingData.statistics(configuration, over: timed)
    let parts = try timed.agreed("set the run up") {
      try TrainerParts(
        configuration, context: context, task: makeOwnTask ?? TaskInput.factory(),
        statistics: statistics)
    }
    data = parts.data
    self.task = parts.task
    arena = parts.arena
    try Handshake(
      configuration: configuration, options: options, data: parts.data,
      parameterCount: parts.arena.parameterCount
    ).compare(over: timed)
    if parts.canShare(configuration), let neighbourhood = timed.neighbourhood {
      let shared = try ShardedArena(
        timed, neighbourhood, byteCount: arena.count * arena.dtype.byteCount)
      if let reason = shared.reason {
        self.report("\(reason); each process has its own parameters")
      }
      try arena.move(to: shared)
    }
    let overlap = try OverlapChoice(configuration, arena)
    self.overlap = overlap
    phases = try timed.agreed("set the optimizers up") {
      try parts.phases(configuration, context: context, bucketBytes: overlap?.bucketBytes)
    }
    compression = try Trainer.compress(
      configuration, arena, phases, timed, report: self.report)
    if overlap?.isOn == true {
      for phase in phases {
        phase.overlap = try PhaseOverlap(phase, arena, track: timeline?.exchange)
      }
    }
    if configuration.integrity.checkUpdates { for phase in phases { phase.watchMemory(arena) } }
    position.updates = [Int](repeating: 0, count: phases.count)
    schedule = parts.schedule
    average = parts.average
    plateau = parts.plateau
    sampler = parts.sampler
    sharding = parts.sharding
    totalSteps = parts.totalSteps
    localSGD = configuration.localSGD.map {
      LocalSGDPlan($0, stepsPerEpoch: parts.sampler.stepsPerEpoch)
    }
    if let line = configuration.rateScaling { self.report(line) }

    if let path = options.initialWeights {
      let note = try timed.agreed("load \(path)") {
        try StateDict(arena).loadWeights(from: SafetensorsFile(path: path))
      }
      if let note { self.report(note) }
    }
    try openRun()
  }

  /// The job's name: the configuration's, or that of its model.
  public var name: String { configuration.runName }

  /// Trains to the end, or until told to stop.
  ///
  /// - Returns: how the run ended, the same on every rank but for times.
  /// - Throws: `RankFailure`, the same on every rank, where all could be told; else the error of
  ///   this rank alone.
  public func run() throws -> RunReport {
    do {
      return try train()
    } catch {
      fail(error)
      throw error
    }
  }

  private func train() throws -> RunReport {
    let start = position.step
    try communicator.agreed("start the run") { try observers.forEach { try $0.willTrain(plan) } }
    try startIntegrityChecks()
    let loader = try communicator.agreed("start loading") {
      try BatchLoader(
        dataset: data.train, sampler: sampler, sharding: sharding, rank: communicator.rank,
        transform: data.transform, augmentation: data.augmentation, startStep: start,
        endStep: totalSteps, track: timeline?.data)
    }
    defer { loader.close() }
    trace = try openTrace()
    let began = monotonicSeconds()
    var trainingSeconds = 0.0
    var rows = 0
    var traffic = arena.exchange.traffic
    let trafficBefore = traffic
    // A job that is restarted after it had come to its stop has nothing left to do.
    var isInterrupted = start < totalSteps && isAtStop
    var wantsStop = false
    var hasPatience = !isOutOfPatience
    RunPhase.step.show()
    options.willStep()
    while position.step < totalSteps, !isInterrupted, hasPatience {
      clock.restart()
      communicator.progress?.step = position.step + 1
      let outcome = try clock.measure(.step, detail: position.step + 1) {
        let outcome = try step(loader)
        position.step += 1
        try averageRanks()
        average?.didStep(position.step, arena)
        try averageMeans()
        return outcome
      }
      let times = StepTimes(clock, slowest: exchange.slowest)
      rows += outcome.rows
      lastLoss = outcome.loss
      trainingSeconds += times.total
      wantsStop = wantsStop || outcome.stop || isAtStop
      isInterrupted = position.step < totalSteps && wantsStop && ranksAreEqual
      let stepReport = StepReport(
        step: position.step, epoch: outcome.epoch, loss: outcome.loss,
        learningRate: outcome.learningRate, rows: outcome.rows, parts: outcome.parts,
        times: times, traffic: arena.exchange.traffic - traffic)
      traffic = arena.exchange.traffic
      hasPatience = try afterStep(
        stepReport, isLast: isInterrupted || position.step == totalSteps)
    }
    RunPhase.end.show()
    for phase in phases { try phase.overlap?.reduction.close() }
    try finishSaving()
    let ended = monotonicSeconds()
    loader.close()
    if let notice = try trace?.write() { report(notice) }
    let runReport = RunReport(
      name: name, folder: folderPath,
      checkpoint: lastSaved.map {
        CheckpointFolder(path: folderPath + "/checkpoints").file(step: $0)
      },
      step: position.step, totalSteps: totalSteps,
      epochs: (totalSteps + sampler.stepsPerEpoch - 1) / sampler.stepsPerEpoch,
      ranks: communicator.size, parameters: parameterCount, loss: lastLoss,
      validation: lastValidation, best: position.best,
      judge: lastValidation.map { judged($0).name }, seconds: ended - began,
      samplesPerSecond: trainingSeconds > 0 ? Double(rows) / trainingSeconds : 0,
      isInterrupted: isInterrupted,
      hasReachedStop: isAtStop,
      traffic: traffic - trafficBefore, end: end(isInterrupted: isInterrupted, isAtStop: isAtStop))
    try communicator.agreed("end the run") {
      if let failure = exchange.failure { throw failure }
      let end = runReport.end
      try record?.end(
        end.reason, step: end.step, exitCode: end.exitCode, message: end.message,
        validation: end.validation)
      try observers.forEach { try $0.didTrain(runReport) }
    }
    return runReport
  }

  /// Whether the run has come to the step that it was told to stop at.
  private var isAtStop: Bool { options.stopAtStep.map { $0 <= position.step } ?? false }

  /// Tensor buffers taken from the system so far; it stands still once a step is warm.
  public var poolAllocations: Int { context.pool.systemAllocations }

  /// Where to leave the trace at the end; nil unless one is wanted.
  private func openTrace() throws -> TraceFile? {
    guard let path = options.trace, let timeline else { return nil }
    return try TraceFile(path, timeline, communicator.unrecorded)
  }

  /// The number of trained elements.
  public var parameterCount: Int { arena.parameterCount }

  /// The bytes of optimizer state on this rank.
  public var stateBytes: Int {
    phases.reduce(0) { sum, phase in
      phase.state.all.reduce(sum) { $0 + $1.vector.byteCount }
    }
  }

  private var plan: RunPlan {
    RunPlan(
      name: name, folder: folderPath, startStep: position.step, totalSteps: totalSteps,
      stepsPerEpoch: sampler.stepsPerEpoch, ranks: communicator.size, rows: data.train.count,
      repeats: sampler.repeats, batchSize: configuration.batchSize, parameters: parameterCount,
      precision: configuration.precision.rawValue, metric: task.metricName,
      overlap: overlap?.text(buckets: phases.reduce(0) { $0 + $1.shares.buckets.count }),
      gathersStatistics: communicator.size > 1 && configuration.syncBatchNorm
        && arena.modules.contains { $0 is BatchNorm })
  }

  func due(after step: Int) -> DueAfterStep {
    DueAfterStep(
      configuration, step: step, stepsPerEpoch: sampler.stepsPerEpoch,
      hasValidation: data.validation != nil, isEnd: step == totalSteps)
  }

  /// Reports, validates and saves what is due after a step.
  ///
  /// - Returns: whether `validate.patience` lets the run go on.
  private func afterStep(_ step: StepReport, isLast: Bool) throws -> Bool {
    let due = due(after: position.step)
    for observer in observers { try local { try observer.didStep(step) } }
    if let folder {
      try local {
        try folder.writer?.throwFailure()
        if folder.lease.isLost { try folder.lease.check() }
      }
    }
    if due.validation { try clock.measure(.validation, detail: position.step) { try validate() } }
    let isBest = due.validation && position.best?.step == position.step
    let hasPatience = !due.validation || !isOutOfPatience
    if due.checkpoint || isBest || isLast || !hasPatience {
      try clock.measure(.checkpoint, detail: position.step) { try save() }
    }
    return hasPatience
  }

  /// Runs what only this rank does between collectives; its error ends all ranks at the next
  /// agreement.
  func local(_ body: () throws -> Void) throws {
    guard exchange.failure == nil else { return }
    do { try body() } catch { exchange.failure = error }
  }
}
