import DLCluster
import DLCore
import DLFormats
import DLTensor

/// The record that a run leaves of itself besides its checkpoints: its metrics and the summary of
/// its end.
///
/// They are `metrics.jsonl` and `summary.json`. Rank 0 alone has one.
/// The rank's thread fills it; any thread may end it, while the rank hangs. Whenever that is, the
/// summary tells of the last step that has a line: both change under one lock.
package final class RunRecord: Sendable {
  private struct State {
    var log: MetricsLog
    var step: Int
    var loss: Double?
    var best: CheckpointPosition.Best?
    var validation: ValidationReport?
    var rows = 0
    var stepSeconds = 0.0
    var began = monotonicSeconds()
    // The first step reaches the file at once: the launcher sees by it that a run goes on.
    var flushed = -Double.infinity
    var hasEnded = false
  }

  /// The run folder.
  package let folder: String
  private let path: String
  private let lease: RunLock
  private let name: String
  private let ranks: Int
  /// The facts that do not change while the run goes on.
  private let facts: [JSON.Member]
  private let state: Monitor<State>

  /// Opens the record of a run, and cuts what it has noted back to `position`.
  init(
    _ folder: RunFolder, _ configuration: Configuration, position: CheckpointPosition, ranks: Int,
    parameters: Int
  ) throws {
    self.folder = folder.path
    path = folder.summaryPath
    lease = folder.lease
    name = configuration.runName
    self.ranks = ranks
    facts = [
      .init("ranks", .integer(ranks)), .init("parameters", .integer(parameters)),
      .init("precision", .string(configuration.precision.rawValue)),
      .init("version", .string(Version.current)), .init("cpu", .string(CPU.name)),
      .init("arithmetic", .string(configuration.engine.fingerprint)),
    ]
    state = Monitor(
      State(
        log: try MetricsLog(folder.metricsPath, resumingAt: position.step, lease: folder.lease),
        step: position.step, best: position.best))
  }

  /// Notes the best validation.
  func note(best: CheckpointPosition.Best?) { state.withLock { $0.best = best } }

  /// Brings everything to the disk, with the way in which the run ends; the first one counts.
  ///
  /// - Parameters:
  ///   - step: the last step; the last one noted unless given.
  ///   - isFinal: whether no better reason is to be expected.
  ///   - isSudden: whether the process may be killed at any moment: then files get their names
  ///     before they are forced to the disk.
  /// - Throws: `LeaseLostError`, `FormatError`; the summary is written even where the metrics cannot be.
  package func end(
    _ reason: RunEnd.Reason, step: Int? = nil, exitCode: Int32, message: String,
    validation: ValidationReport? = nil, isFinal: Bool = true, isSudden: Bool = false
  ) throws {
    try state.withLock { state in
      guard !state.hasEnded else { return }
      let end = RunEnd(
        reason: reason, step: step ?? state.step, exitCode: exitCode, message: oneLine(message),
        validation: validation)
      let metrics = Result { try state.log.flush() }
      try write(state, end, synchronizing: !isSudden)
      try metrics.get()
      try state.log.synchronize()
      if isSudden { try File(path, .read).synchronize() }
      // Where it could not be written, the error that this is ends the run.
      state.hasEnded = isFinal
    }
  }

  /// Notes in a run's summary how it ended, where its own rank 0 could not: it still says that it
  /// runs.
  package static func close(
    _ folder: String, _ reason: RunEnd.Reason, exitCode: Int32, message: String
  ) {
    let path = folder + "/summary.json"
    guard let old = summary(path), old["end"]?["reason"]?.string == RunEnd.Reason.running.rawValue
    else { return }
    let step = MetricsLog.lastStep(folder + "/metrics.jsonl") ?? old["end"]?["step"]?.int ?? 0
    let end = RunEnd(reason: reason, step: step, exitCode: exitCode, message: oneLine(message))
    _ = try? File.replace(path, synchronizing: false) {
      try $0.write(replacing(end, in: old) + "\n")
    }
  }

  private func write(_ state: State, _ end: RunEnd, synchronizing: Bool) throws {
    try lease.check()
    // A run that made no step has nothing new to say but how it ended.
    if state.loss == nil, try File.kind(of: path) != nil {
      // One that cannot be read stays as it is.
      guard let old = RunRecord.summary(path) else { return }
      let isAsLeft = old["end"]?["reason"]?.string == end.reason.rawValue
      if isAsLeft, end.exitCode == 0 { return }
      return try File.replace(path, synchronizing: synchronizing, committing: lease.check) {
        try $0.write(RunRecord.replacing(end, in: old) + "\n")
      }
    }
    try File.replace(path, synchronizing: synchronizing, committing: lease.check) {
      try $0.write(summary(state, end).description + "\n")
    }
  }

  private func summary(_ state: State, _ end: RunEnd) -> JSON {
    var last: [JSON.Member] = [.init("step", .integer(state.step))]
    if let loss = state.loss { last.append(.init("loss", .number(loss))) }
    if let validation = state.validation {
      last.append(.init("validation_loss", .number(validation.loss)))
      last += validation.metrics.map(\.member)
    }
    var members: [JSON.Member] = [
      .init("name", .string(name)), .init("finished", .bool(end.reason.isFinished)),
      .init("end", end.json), .init("last", .object(last)),
    ]
    if let best = state.best {
      let entries: [JSON.Member] = [
        .init("step", .integer(best.step)), .init("value", .number(best.value)),
      ]
      members.append(.init("best", .object(entries)))
    }
    let rate = state.stepSeconds > 0 ? Double(state.rows) / state.stepSeconds : 0
    let measured: [JSON.Member] = [
      .init("wall_s", .number(monotonicSeconds() - state.began)),
      .init("samples_per_s", .number(rate)),
    ]
    return .object(members + facts.prefix(3) + measured + facts.dropFirst(3))
  }

  /// A summary that is there; nil where there is none that can be read.
  private static func summary(_ path: String) -> JSON? {
    guard let bytes = try? File.contents(of: path, limit: 1 << 20) else { return nil }
    return try? JSON(parsing: String(decoding: bytes, as: UTF8.self))
  }

  private static func replacing(_ end: RunEnd, in old: JSON) -> String {
    var members = (old.members ?? []).filter { $0.key != "end" && $0.key != "finished" }
    members.insert(.init("end", end.json), at: min(1, members.count))
    members.insert(
      .init("finished", .bool(end.reason.isFinished)), at: min(1, members.count))
    return JSON.object(members).description
  }
}

extension RunRecord: TrainingObserver {
  package func willTrain(_ plan: RunPlan) { state.withLock { $0.began = monotonicSeconds() } }

  package func didStep(_ report: StepReport) throws {
    let line = report.metricsLine(ranks: ranks)
    try state.withLock { state in
      guard !state.hasEnded else { return }
      let isFirst = state.loss == nil
      try state.log.append(line)
      state.step = report.step
      state.loss = report.loss
      state.rows += report.rows
      state.stepSeconds += report.seconds
      let now = monotonicSeconds()
      if now - state.flushed > 1 {
        state.flushed = now
        try state.log.flush()
      }
      if isFirst { try noteRunning(state) }
    }
  }

  package func didValidate(_ report: ValidationReport) throws {
    let line = report.metricsLine
    try state.withLock { state in
      guard !state.hasEnded else { return }
      try state.log.append(line)
      state.validation = report
      try state.log.flush()
      try noteRunning(state)
    }
  }

  package func willSave() throws { try state.withLock { try $0.log.flush() } }

  /// Writes what a reader finds while the run goes on, or after a kill.
  private func noteRunning(_ state: State) throws {
    let end = RunEnd(reason: .running, step: state.step, exitCode: 0, message: "it goes on")
    try write(state, end, synchronizing: false)
  }
}

extension RunEnd.Reason {
  /// True if the run has trained for as long as it was meant to.
  var isFinished: Bool { self == .finished || self == .earlyStop }
}

extension RunEnd {
  /// As it stands in `summary.json`.
  var json: JSON {
    var members: [JSON.Member] = [
      .init("reason", .string(reason.rawValue)), .init("step", .integer(step)),
    ]
    if reason != .running { members.append(.init("exit_code", .integer(Int(exitCode)))) }
    members.append(.init("message", .string(message)))
    if let validation {
      let head: [JSON.Member] = [
        .init("step", .integer(validation.step)), .init("loss", .number(validation.loss)),
      ]
      let numbers = validation.metrics.filter(\.isNumber).map(\.member)
      members.append(.init("validation", .object(head + numbers)))
    }
    return .object(members)
  }
}
