import DLCluster
import DLCore
import DLData
import DLFormats
import DLLayers
import DLTensor

/// Trains a task: every rank runs one, and all make the same calls.
///
/// A step loads this rank's rows, agrees on the denominator, goes forward and backward, sums the
/// gradients over the ranks, checks them, updates and publishes the parameters. What a run may have
/// beside is a `TrainerPart`; the way from gradients to weights is an `UpdateStrategy`.
/// Counterpart: Lightning's `Trainer`.
package final class Trainer {
  let run: TrainingRun
  let store: RunStore
  let parts: [any TrainerPart]
  private let rows: StepRows
  let phases: [PhaseStep]
  let strategies: [any UpdateStrategy]
  private var hasWarnedOfNegative = false
  /// The file where the timeline is left; nil unless a trace is wanted.
  var trace: TraceFile?

  /// Sets a run up: opens the data, builds the model, checks one against the other, and loads the
  /// state to start from; collective.
  ///
  /// - Parameters:
  ///   - configuration: the job.
  ///   - communicator: this rank's peers; every rank makes its trainer with the same arguments.
  ///   - observers: told of what happens, on rank 0 only unless they observe every rank.
  ///   - warn: takes one-line notices, such as a damaged checkpoint that was passed over; rank 0
  ///     only.
  ///   - makeTask: makes what is trained; by default the configuration's model with the task that
  ///     fits it.
  /// - Throws: `RankFailure`, the same on every rank, for anything wrong with configuration, data
  ///   or files.
  package init(
    _ configuration: Configuration, options: TrainingOptions = TrainingOptions(),
    communicator: any Communicator, observers: [any TrainingObserver] = [],
    warn: @escaping (String) -> Void = { _ in }, task makeTask: TaskFactory? = nil
  ) throws {
    configuration.engine.select()
    RunPhase.start.publish()
    let run = try TrainingRun(
      configuration, options: options, communicator: communicator, observers: observers, warn: warn,
      task: makeTask ?? TaskInput.factory())
    let rows = StepRows(run)
    let phases = run.optimizers.indices.map { PhaseStep(run, index: $0, rows: rows) }
    let strategies = try run.communicator.agreed("set the updates up") {
      try phases.map { try UpdateStrategies.make(for: $0) }
    }
    rows.adversarial = try run.communicator.agreed("set the attack up") {
      try AdversarialInputs.make(
        run.configuration, run.task, inputs: run.data.transform.inputType, context: run.context)
    }
    let parts = try TrainerParts.make(for: run)
    for phase in phases {
      phase.suspectMemory = { for part in parts { try part.suspectMemory() } }
    }
    self.run = run
    self.rows = rows
    self.phases = phases
    self.strategies = strategies
    self.parts = parts
    store = RunStore(run, states: [OptimizerStates(run)] + strategies + parts)
    if let line = configuration.rateScaling { run.warn(line) }
    try start()
  }

  /// Loads the state to start from: a checkpoint's, or the weights of another file.
  private func start() throws {
    let initial = try run.communicator.agreed("read the configuration") {
      try InitialWeights(run.configuration)
    }
    guard let initial else { return try store.open() }
    var fault: (any Error)?
    var notes: [String] = []
    do {
      notes = try initial.load(into: run)
    } catch {
      // A run that goes on has its weights, and the file may be gone.
      guard run.options.resume != .never else { throw error }
      fault = error
    }
    try store.open()
    guard store.resumedFrom == nil else { return }
    if let fault { throw fault }
    for note in notes { run.warn(note) }
  }

  /// Trains to the end, or until told to stop; collective.
  ///
  /// - Returns: how the run ended, the same on every rank but for times.
  /// - Throws: `RankFailure`, the same on every rank, where all could be told; else the error of
  ///   this rank alone.
  package func train() throws -> RunReport {
    do {
      return try trainLoop()
    } catch {
      fail(error)
      throw error
    }
  }

  private func trainLoop() throws -> RunReport {
    let communicator = run.communicator
    try communicator.agreed("start the run") {
      for observer in run.observers { try observer.willTrain(plan) }
    }
    for part in parts { try part.willTrain() }
    let loader = try communicator.agreed("start loading") {
      try BatchLoader(
        dataset: run.data.train, sampler: run.sampler, sharding: run.sharding,
        rank: communicator.rank, transform: run.data.transform,
        augmentation: run.data.augmentation, mixing: run.data.mixing,
        workers: run.configuration.data.workers, startStep: run.position.step,
        endStep: run.totalSteps, track: run.timeline?.data)
    }
    defer { loader.close() }
    trace = try openTrace()
    run.context.profile = run.profile
    defer { run.context.profile = nil }
    var totals = RunTotals(run)
    // A job that is restarted after it had come to its stop has nothing left to do.
    var isInterrupted = run.position.step < run.totalSteps && isAtStop
    var wantsStop = false
    RunPhase.step.publish()
    run.options.willStep()
    if run.totalSteps == 0 { try store.save(parts) }
    while run.position.step < run.totalSteps, !isInterrupted, !endsEarly {
      run.clock.restart()
      run.communicator.progress?.step = run.position.step + 1
      let outcome = try run.clock.measure(.step, detail: run.position.step + 1) {
        let outcome = try step(loader)
        run.position.step += 1
        for part in parts { try part.didStep() }
        return outcome
      }
      run.lastLoss = outcome.loss
      wantsStop = wantsStop || outcome.stop || isAtStop
      let isLast = run.position.step == run.totalSteps
      isInterrupted = !isLast && wantsStop && run.ranksAreEqual
      try finish(totals.add(outcome), isLast: isLast || isInterrupted)
    }
    RunPhase.end.publish()
    for part in parts { try part.didTrain() }
    try store.finish()
    let ended = monotonicSeconds()
    loader.close()
    if let notice = try trace?.write() { run.warn(notice) }
    return try conclude(totals, ended: ended, isInterrupted: isInterrupted)
  }

  /// Makes one optimizer step from the loader's next rows: an update for each phase of the task.
  private func step(_ loader: BatchLoader) throws -> StepOutcome {
    let step = run.position.step
    run.context.step = step
    run.context.isTraining = true
    defer { run.context.isTraining = false }

    var loaded: StepBatch?
    try run.clock.measure(.dataWait) {
      try run.local { loaded = try rows.load(from: loader, for: phases) }
    }
    defer { rows.release() }
    var stop = false
    for phase in phases {
      let agreed = try run.exchange.agree(
        phase.ownDenominator, stop: run.options.shouldStop(), "load the rows of step \(step + 1)")
      phase.denominator = agreed.sum
      stop = stop || agreed.stop
    }
    guard let batch = loaded else {
      throw DataError("the data ended at step \(step + 1)", exitCode: .fault)
    }
    for part in parts { try part.willStep() }
    if rows.adversarial != nil {
      try run.clock.measure(.forward) { try run.local { try rows.attack() } }
    }

    let multiplier = parts.reduce(run.schedule.multiplier(step: step)) {
      $0 * $1.learningRateFactor
    }
    var outcome = StepOutcome(
      rows: batch.globalRows, epoch: batch.cursor.epoch,
      learningRate: run.optimizers[0].configuration.lr * multiplier, stop: stop)
    for (phase, strategy) in zip(phases, strategies) {
      let loss = try update(phase, strategy, multiplier: multiplier)
      outcome.loss += loss
      if phases.count > 1 { outcome.parts.append((phase.optimizer.phase.name, loss)) }
    }
    warnOfNegative(outcome.loss)
    return outcome
  }

  /// Says once that a loss is below 0 which never is of logarithms of probabilities.
  private func warnOfNegative(_ loss: Double) {
    let spec = run.configuration.loss.loss
    guard loss < 0, spec.takesLogarithms, !hasWarnedOfNegative else { return }
    hasWarnedOfNegative = true
    run.warn(
      "the loss is \(Format.significant(loss, 4)), below 0: \(type(of: spec).word) takes logarithms "
        + "of probabilities; end the network with log_softmax")
  }

  /// Makes the updates of one phase.
  ///
  /// - Returns: the mean of the losses before each of them.
  private func update(_ phase: PhaseStep, _ strategy: any UpdateStrategy, multiplier: Double) throws
    -> Double
  {
    let optimizer = phase.optimizer
    let repeats = optimizer.phase.repeats
    var sum = 0.0
    for turn in 0..<repeats {
      rows.turn = turn
      phase.begin(multiplier: multiplier)
      sum += try strategy.update()
    }
    rows.turn = 0
    for other in phases where other !== phase { other.optimizer.didUpdateElsewhere(optimizer) }
    return sum / Double(repeats)
  }

  /// Reports a step, and validates and saves what is due after it.
  private func finish(_ report: StepReport, isLast: Bool) throws {
    let step = run.position.step
    let due = run.triggers.due(after: step)
    for observer in run.observers { try run.local { try observer.didStep(report) } }
    try run.local { try store.check() }
    if due.validation { try run.clock.measure(.validation, detail: step) { try validate() } }
    let isBest = due.validation && run.position.best?.step == step
    if due.checkpoint || isBest || isLast || endsEarly {
      try run.clock.measure(.checkpoint, detail: step) { try store.save(parts) }
    }
  }

  /// Goes through the validation set, every rank its share, on the weights that a user would take.
  private func validate() throws {
    guard let validation = run.data.validation else { return }
    RunPhase.eval.publish()
    defer { RunPhase.step.publish() }
    if !run.configuration.syncBatchNorm {
      // Each rank has statistics of its own then; the checkpoint holds rank 0's.
      try run.communicator.broadcast(run.arena.bufferBytes, root: 0)
    }
    // An error ends the run, whatever weights are in place then.
    for part in parts { try part.willEvaluate() }
    let report = try run.context.pool.duringPass { try evaluate(validation) }
    for part in parts { try part.didEvaluate() }
    run.lastValidation = report
    for part in parts { try part.didValidate(report) }
    store.record?.note(best: run.position.best)
    for observer in run.observers { try run.local { try observer.didValidate(report) } }
  }

  /// True if a part ends the run before its last step.
  private var endsEarly: Bool { parts.contains { $0.endsRun } }

  /// True if the run has come to the step that it was told to stop at.
  var isAtStop: Bool { run.options.stopAtStep.map { $0 <= run.position.step } ?? false }
}
