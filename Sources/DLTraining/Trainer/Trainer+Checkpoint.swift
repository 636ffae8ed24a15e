import DLCluster
import DLData
import DLFormats
import DLTensor

extension Trainer {
  /// Loads a checkpoint into model, optimizer and position.
  func load(_ path: String, _ checkpoint: Checkpoint.Opened) throws {
    let (file, position) = (checkpoint.file, checkpoint.position)
    try requireSameData(file)
    for (key, mine) in compatibilityNotes where file.metadata[key] != mine {
      throw CheckpointError(
        path: path,
        what: "was saved with \(key) \(file.metadata[key] ?? "unknown"), this run has \(mine)",
        advice: "resume with the configuration it was saved with, or use --init for its weights",
        exitCode: .usage)
    }
    try restoreNumbers(from: file)
    let state = Set(phases.flatMap(\.state.names))
    let means = average?.entries(arena, context: context) ?? []
    try StateDict(arena, adding: means).load(from: file) {
      $0.hasPrefix(Trainer.carriedPrefix) || $0.hasPrefix(Trainer.errorPrefix) || state.contains($0)
    }
    guard file.metadata["model"] == configuration.model.fingerprint else {
      throw CheckpointError(
        path: path, what: "was saved with other layers of the same shapes",
        advice: "resume with the configuration it was saved with, or use --init for its weights",
        exitCode: .usage)
    }
    guard position.updates.count == phases.count else {
      throw CheckpointError(
        path: path,
        what: "has \(counted(position.updates.count, "optimizer")), this run \(phases.count)",
        advice: "resume with the configuration it was saved with", exitCode: .usage)
    }
    for phase in phases { try phase.state.read(from: file) }
    try restoreCarriedState(from: file)
    try restoreErrors(from: file)
    self.position = position
    for (phase, updates) in zip(phases, position.updates) { phase.updates = updates }
    if position.step > totalSteps {
      throw CheckpointError(
        path: path, what: "is at step \(position.step), the run ends at \(totalSteps)",
        advice: "raise epochs or steps", exitCode: .usage)
    }
  }

  /// What must be the same where a run goes on.
  private var compatibilityNotes: [(String, String)] {
    [
      ("seed", String(configuration.seed)), ("batch_size", String(configuration.batchSize)),
      ("rows", String(data.train.count)), ("precision", configuration.precision.rawValue),
      ("optimizer", phases.map(\.optimizerNote).joined(separator: ",")),
      ("average", configuration.average?.name.rawValue ?? "none"),
      ("order", configuration.data.order.rawValue),
      ("last_batch", configuration.data.lastBatch.rawValue),
      ("repeats", String(configuration.data.repeats)),
    ]
  }

  func startLogs() throws {
    guard let folder else { return }
    // First what may be found unreadable: nothing has changed then.
    let record = try RunRecord(
      folder, configuration, position: position, ranks: communicator.size,
      parameters: parameterCount)
    try File.replace(folder.configurationPath) { try $0.write(configuration.yaml()) }
    self.record = record
    observers += [MetricsObserver(record, ranks: communicator.size), record]
    options.didOpen(record)
    folder.writer = try CheckpointWriter(
      folder: folder.checkpoints, lease: folder.lease, keep: configuration.checkpoint.keep
    ) { [options, folderPath] in options.didSave(folderPath, $0) }
  }

  /// Copies the state for a checkpoint, which is written while the run goes on.
  ///
  /// All ranks learn whether the copy and the checkpoint before it succeeded; of this one they learn
  /// at an agreement to come, at the latest in ``finishSaving()``.
  func save() throws {
    guard options.writesRun, lastSaved != position.step else { return }
    RunPhase.save.show()
    defer { RunPhase.step.show() }
    let step = position.step
    _ = try exchange.agree(0, stop: false, "report step \(step)")
    let carried = try gatherCarriedState() + gatherErrors()
    if average?.lacksStatistics == true { try withAverage {} }
    try verifyState(step: step)
    try assembleState()
    defer { for phase in phases { phase.state.release() } }
    try communicator.agreed("write the checkpoint of step \(step)") {
      guard let folder, let writer = folder.writer else { return }
      try folder.lease.check()
      for observer in observers { try observer.willSave() }
      var notes = Dictionary(uniqueKeysWithValues: compatibilityNotes)
      notes["name"] = name
      notes["model"] = configuration.model.fingerprint
      notes["epoch"] = String(sampler.cursor(atStep: step).epoch)
      notes["kernel_set"] = CPU.kernelSet
      notes["blas_core"] = BLAS.core
      notes["version"] = Version.current
      notes["compression"] = compression
      notes["ranks"] = String(communicator.size)
      notes["input_shape"] = data.modelInput.dimensions.map(String.init).joined(separator: ",")
      notes[TokenizerFile.key] = data.tokenizerText
      notes["classes"] = data.train.classCount.map(String.init)
      notes.merge(dataNotes) { $1 }
      notes.merge(stateNumbers) { $1 }
      let entries = try StateDict(arena, adding: stateEntries() + carried).entries
      try writer.write(entries, position: position, notes: notes)
    }
    lastSaved = step
  }

  /// Returns when every checkpoint is written; all ranks learn whether it succeeded.
  func finishSaving() throws {
    guard options.writesRun else { return }
    try communicator.agreed("write the last checkpoint") { try folder?.writer?.finish() }
    guard let lastSaved else { return }
    options.didSave(
      folderPath, CheckpointFolder(path: folderPath + "/checkpoints").file(step: lastSaved))
  }

  /// Brings the ranks' shares of the optimizers' state together on rank 0.
  private func assembleState() throws {
    try communicator.agreed("make room for the optimizer's state") {
      guard communicator.rank == 0 else { return }
      for phase in phases { try phase.state.makeRoom() }
    }
    for phase in phases { try phase.state.assemble(communicator) }
  }
}
