import DLCluster
import DLCore
import DLData
import DLFormats
import DLTensor

/// The folder of a run: what it goes on from, its logs, and its checkpoints.
///
/// Every rank has one and makes the same calls; rank 0 writes.
final class RunStore {
  let run: TrainingRun
  /// Everything that a checkpoint holds beside the model.
  let states: [any CheckpointState]
  /// The folder, on rank 0.
  var folder: RunFolder?
  /// The folder's path; empty for a run that leaves none.
  var path = ""
  /// The record that the run keeps of itself, on rank 0.
  private(set) var record: RunRecord?
  /// The checkpoint that the run goes on from; nil where it starts anew.
  var resumedFrom: String?
  /// The step of the newest checkpoint; nil where none was written.
  var lastSaved: Int?

  init(_ run: TrainingRun, states: [any CheckpointState]) {
    self.run = run
    self.states = states
  }

  /// The newest checkpoint's path; nil where none was written.
  var lastCheckpoint: String? {
    lastSaved.map { CheckpointFolder(path: path + "/checkpoints").file(step: $0) }
  }

  /// Throws what has gone wrong with the folder between steps, without waiting; on rank 0.
  func check() throws {
    guard let folder else { return }
    try folder.writer?.throwFailure()
    if folder.lease.isLost { try folder.lease.check() }
  }

  /// Opens the logs, and writes the configuration as resolved.
  func startLogs() throws {
    guard let folder else { return }
    // First what may be found unreadable: nothing has changed then.
    let record = try RunRecord(
      folder, run.configuration, position: run.position, ranks: run.communicator.size,
      parameters: run.arena.parameterCount)
    var configuration = run.configuration
    if let resumedFrom {
      let old = RunFolder.owner(of: resumedFrom).flatMap { owner in
        try? Configuration.load(path: owner + "/config.yaml", supplied: ["model"])
      }
      // Whatever the command that goes on names: the weights are the checkpoint's.
      configuration.initialWeights = old?.initialWeights
      if let line = old.flatMap(configuration.changes) { run.warn(line) }
    }
    try File.replace(folder.configurationPath) { try $0.write(configuration.yaml()) }
    self.record = record
    run.observers.append(record)
    run.options.didOpen(record)
    folder.writer = try CheckpointWriter(
      folder: folder.checkpoints, lease: folder.lease, keep: run.configuration.checkpoint.keep,
      track: run.timeline?.writer
    ) { [options = run.options, path] in options.didSave(path, $0) }
  }
}

extension RunStore {
  /// The conditions that must be the same where a run goes on.
  private var conditions: [(key: String, value: String)] {
    let configuration = run.configuration
    let last: [(key: String, value: String)] = [
      ("order", configuration.data.order.rawValue),
      ("last_batch", configuration.data.lastBatch.rawValue),
      ("repeats", String(configuration.data.repeats)),
    ]
    let fold = configuration.data.folds.map {
      (key: "fold", value: "\($0.fold) of \($0.count)")
    }
    return [
      ("seed", String(configuration.seed)), ("batch_size", String(configuration.batchSize)),
      ("precision", configuration.precision.rawValue),
    ] + CheckpointStates.all.flatMap { $0.conditions(of: run) } + last + [fold].compactMap(\.self)
  }

  /// Copies the state for a checkpoint, which is written while the run goes on; collective.
  ///
  /// All ranks learn whether the copy and the checkpoint before it succeeded; of this one they learn
  /// at an agreement to come, at the latest in ``finish()``.
  func save(_ parts: [any TrainerPart]) throws {
    guard run.options.writesRun, lastSaved != run.position.step else { return }
    RunPhase.save.publish()
    defer { RunPhase.step.publish() }
    let step = run.position.step
    _ = try run.exchange.agree(0, stop: false, "report step \(step)")
    for part in parts { try part.willSave() }
    defer { for state in states { state.release() } }
    let entries = try states.flatMap { try $0.gather() }
    try run.communicator.agreed("write the checkpoint of step \(step)") {
      guard let folder, let writer = folder.writer else { return }
      try folder.lease.check()
      for observer in run.observers { try observer.willSave() }
      try writer.write(
        StateDict(run.arena, adding: entries).entries, position: run.position, notes: notes())
    }
    lastSaved = step
  }

  /// The notes of a checkpoint on itself besides its position.
  private func notes() throws -> [String: String] {
    let data = run.data
    var notes = Dictionary(conditions.map { ($0.key, $0.value) }) { first, _ in first }
    notes["name"] = run.name
    notes["model"] = run.configuration.model.fingerprint
    notes["epoch"] = String(run.sampler.cursor(atStep: run.position.step).epoch)
    notes["arithmetic"] = run.configuration.engine.fingerprint
    notes["version"] = Version.current
    notes["ranks"] = String(run.communicator.size)
    notes["input_shape"] = data.modelInput.dimensions.map(String.init).joined(separator: ",")
    notes["input_type"] = data.train.inputType.rawValue
    notes["input_lengths"] = data.train.inputLengths.map { _ in "true" }
    notes["classes"] = data.train.classCount.map(String.init)
    notes[TokenizerFile.key] = data.tokenizerText
    notes[TiedNames.key] = TiedNames(run.arena)?.text
    notes.merge(DataIdentity(run).notes) { $1 }
    for state in states { notes.merge(state.notes) { $1 } }
    return notes
  }

  /// Returns when every checkpoint is written; all ranks learn whether it succeeded.
  func finish() throws {
    guard run.options.writesRun else { return }
    try run.communicator.agreed("write the last checkpoint") { try folder?.writer?.finish() }
    if let lastCheckpoint { run.options.didSave(path, lastCheckpoint) }
  }

  /// Loads a checkpoint into model, optimizers, parts and position.
  ///
  /// - Throws: ``CheckpointError`` where it belongs to another job.
  func load(_ path: String, _ checkpoint: Checkpoint.Opened) throws {
    let (file, position) = (checkpoint.file, checkpoint.position)
    for (key, value) in conditions where file.metadata[key] != value {
      throw CheckpointError.ofOtherJob(
        path, "was saved with \(key) \(file.metadata[key] ?? "unknown"), this run has \(value)",
        hasWeights: true)
    }
    for state in states { try state.restoreNotes(from: file) }
    try DataIdentity(run).check(file)
    try StateDict(run.arena).load(from: file, ignoring: Checkpoint.isTrainingState)
    guard file.metadata["model"] == run.configuration.model.fingerprint else {
      throw CheckpointError.ofOtherJob(
        path, "was saved with other layers of the same shapes", hasWeights: true)
    }
    let optimizers = run.optimizers
    guard position.updates.count == optimizers.count else {
      throw CheckpointError.ofOtherJob(
        path,
        "has \(counted(position.updates.count, "optimizer")), this run \(optimizers.count)")
    }
    for state in states { try state.restore(from: file) }
    run.position = position
    for (optimizer, updates) in zip(optimizers, position.updates) { optimizer.updates = updates }
    if position.step > run.totalSteps {
      throw CheckpointError(
        path: path, what: "is at step \(position.step), the run ends at \(run.totalSteps)",
        advice: "raise epochs or steps", exitCode: .usage)
    }
  }
}

extension Configuration {
  /// A line that names the keys which a run goes on with otherwise; nil where there are none.
  ///
  /// Data may lie elsewhere: by its content it is compared.
  fileprivate func changes(since old: Configuration) -> String? {
    func values(_ configuration: Configuration) -> [String: String] {
      let leaves = configuration.node.leaves.filter { path, text in
        !["null", "{}"].contains(text) && !["data.train", "data.validation"].contains(path)
          && !path.begins(with: "init.")
      }
      return Dictionary(leaves.map { ($0.path, $0.text) }) { first, _ in first }
    }
    let (before, now) = (values(old), values(self))
    let changed = Set(before.keys).union(now.keys).filter { before[$0] != now[$0] }.sorted()
    guard !changed.isEmpty else { return nil }
    let named = changed.prefix(4).map { path in
      "\(path) \(before[path] ?? "unset") is \(now[path] ?? "unset") now"
    }
    let rest = changed.count > named.count ? ", and \(changed.count - named.count) more" : ""
    return oneLine("goes on with other settings: " + named.joined(separator: ", ") + rest)
  }
}
