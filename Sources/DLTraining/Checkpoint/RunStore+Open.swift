import DLCluster
import DLCore
import DLFormats

/// The places that a run can be asked to go on from.
private enum ResumeSource: String {
  /// Nowhere: it starts anew.
  case nothing
  /// The newest good checkpoint of a run folder.
  case folder
  /// A checkpoint.
  case file
}

/// The findings of rank 0 before anything is changed.
private struct ResumePlan {
  var source = ResumeSource.nothing
  /// The run folder or the file to go on from.
  var path = ""
  /// The run folder to write to.
  var folder = ""
}

extension RunStore {
  /// Finds where to go on from, opens the run folder on rank 0, and loads the state on every rank.
  ///
  /// A run starts anew only where its folder holds no checkpoint. Whatever refuses to go on does so
  /// before anything in the folder is changed.
  func open() throws {
    guard run.options.writesRun else { return }
    let plan = try agreedPlan()
    path = plan.folder
    let readers = try CheckpointReaders(run.communicator)
    var turn: RunLock.Turn?
    var found: CheckpointSearch.Found?
    var isSettled = false
    while !isSettled {
      let before = try run.communicator.agreed("open the run folder") {
        try lookBefore(plan, turn: &turn)
      }
      found = try find(plan, readers)
      let settled = try run.communicator.agreed("open the run folder") {
        try take(plan, after: turn, unchangedSince: before)
      }
      // Only the owner's view counts: the one before it may have been writing until now.
      isSettled = try run.communicator.allgather([settled ? 1 : 0])[0] == 1
    }
    if let found {
      try run.communicator.agreed("resume from \(found.path)") {
        try load(found.path, found.checkpoint)
      }
      resumedFrom = found.path
      let here = CheckpointFolder(path: path + "/checkpoints")
      if found.path == here.file(step: run.position.step) { lastSaved = run.position.step }
    }
    try run.communicator.agreed("write the run folder") {
      if let found { try setAside(found, plan) }
      try startLogs()
    }
    run.options.didSave(path, found?.path)
  }

  /// Rank 0's plan, on all ranks.
  private func agreedPlan() throws -> ResumePlan {
    let mine = try run.communicator.agreed("open the run folder") {
      run.communicator.rank == 0 ? try makePlan() : ResumePlan()
    }
    let source = try run.communicator.broadcast(mine.source.rawValue, root: 0)
    return ResumePlan(
      source: ResumeSource(rawValue: source) ?? .nothing,
      path: try run.communicator.broadcast(mine.path, root: 0),
      folder: try run.communicator.broadcast(mine.folder, root: 0))
  }

  private func makePlan() throws -> ResumePlan {
    switch run.options.resume {
    case .never:
      let folder = try run.options.out ?? RunFolder.unused(name: run.name)
      try requireNoRun(folder)
      return ResumePlan(folder: folder)
    case .automatic:
      let folder =
        try run.options.out ?? RunFolder.newest(name: run.name) ?? RunFolder.unused(name: run.name)
      return ResumePlan(source: .folder, path: folder, folder: folder)
    case .path(let path):
      if try File.kind(of: path) == .folder {
        return ResumePlan(source: .folder, path: path, folder: run.options.out ?? path)
      }
      let folder =
        try run.options.out ?? RunFolder.owner(of: path) ?? RunFolder.unused(name: run.name)
      return ResumePlan(source: .file, path: path, folder: folder)
    }
  }

  /// Refuses a folder with checkpoints to a run that starts anew.
  private func requireNoRun(_ folder: String) throws {
    guard try CheckpointFolder(path: folder + "/checkpoints").steps().isEmpty else {
      throw RunFolderError(
        description:
          "\(folder): already holds a run, use \(OptionName.resume) auto to go on with it or "
          + "another \(OptionName.out)")
    }
  }

  /// Waits on rank 0 until the folder may be written to, and notes which checkpoints it holds.
  private func lookBefore(_ plan: ResumePlan, turn: inout RunLock.Turn?) throws -> [Int: FileMark] {
    guard run.communicator.rank == 0 else { return [:] }
    if folder == nil { turn = try RunLock.awaitTurn(folder: plan.folder) }
    // Another run may have written here while this one waited.
    if case .nothing = plan.source { try requireNoRun(plan.folder) }
    return try CheckpointFolder(path: plan.folder + "/checkpoints").marks()
  }

  /// The checkpoint to go on from, opened and checked by all ranks; nil to start anew.
  private func find(_ plan: ResumePlan, _ readers: CheckpointReaders) throws
    -> CheckpointSearch.Found?
  {
    switch plan.source {
    case .nothing: return nil
    case .folder:
      let checkpoints = CheckpointFolder(path: plan.path + "/checkpoints")
      let steps = try readers.steps(of: checkpoints)
      let found = try readers.refusing {
        try CheckpointSearch(folder: checkpoints).newest(of: steps, examine: readers.examine)
      }
      try run.communicator.agreed("resume from \(plan.path)") {
        guard run.communicator.rank == 0 else { return }
        if found == nil, run.options.resume != .automatic {
          throw RunFolderError(
            description:
              "\(plan.path): holds no checkpoint, start anew without \(OptionName.resume)")
        }
        if let found, plan.path != plan.folder { _ = try checkTarget(plan, found) }
        reportMissing(checkpoints, found)
      }
      return found
    case .file:
      var found = CheckpointSearch.Found(
        path: plan.path, checkpoint: try readers.whole(plan.path))
      try run.communicator.agreed("resume from \(plan.path)") {
        if run.communicator.rank == 0 { found.damaged = try checkTarget(plan, found) }
      }
      return found
    }
  }

  /// Refuses to go on in the folder of another run, whose later checkpoints the next one would
  /// replace; and in that of the same one where it holds later checkpoints that others can use.
  ///
  /// - Returns: later checkpoints that nobody can use.
  private func checkTarget(_ plan: ResumePlan, _ found: CheckpointSearch.Found) throws
    -> [CheckpointFault]
  {
    let target = CheckpointFolder(path: plan.folder + "/checkpoints")
    let steps = try target.steps()
    guard !steps.isEmpty else { return [] }
    guard steps.contains(where: { File.areSame(target.file(step: $0), found.path) }) else {
      throw RunFolderError(
        description: "\(plan.folder): already holds another run, use another \(OptionName.out)")
    }
    let later = steps.filter { $0 > found.checkpoint.position.step }
    let faults = later.reversed().compactMap { step -> CheckpointFault? in
      let path = target.file(step: step)
      do { _ = try Checkpoint.openHeader(path) } catch { return CheckpointFault(path, error) }
      return nil
    }
    let useful = faults.filter { $0.cause != .damage }
    guard useful.isEmpty else { throw CheckpointRefusal(faults: useful, older: found.path) }
    return faults
  }

  /// Says it where the newest checkpoint that the folder notes is gone.
  private func reportMissing(_ checkpoints: CheckpointFolder, _ found: CheckpointSearch.Found?) {
    guard let latest = checkpoints.latest, !File.exists(latest) else { return }
    let start = found.map { "going on from \($0.path)" } ?? "starting anew"
    run.warn("\(latest): was the newest checkpoint and is not there; \(start)")
  }

  /// Takes the run folder on rank 0; whether its checkpoints are still those that were looked at.
  private func take(
    _ plan: ResumePlan, after turn: RunLock.Turn?, unchangedSince marks: [Int: FileMark]
  ) throws -> Bool {
    guard run.communicator.rank == 0 else { return true }
    let folder = try self.folder ?? RunFolder(plan.folder, after: turn)
    self.folder = folder
    return try folder.checkpoints.marks() == marks
  }

  /// Gives damaged checkpoints of the run's own folder another name, so that the run does not write
  /// over them, and says so; on rank 0.
  private func setAside(_ found: CheckpointSearch.Found, _ plan: ResumePlan) throws {
    guard run.communicator.rank == 0, let folder else { return }
    for fault in found.damaged {
      var kept = ""
      if File.areSame(fault.path, folder.checkpoints.path + "/" + File.name(of: fault.path)) {
        kept = try folder.checkpoints.nameForDamaged(fault.path)
        try File.rename(fault.path, to: kept)
      }
      run.warn(found.notice(fault, kept: File.name(of: kept)))
    }
  }
}
