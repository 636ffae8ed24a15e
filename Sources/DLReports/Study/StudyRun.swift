import DLCluster
import DLCore
import DLFormats
import DLJobs
import DLTraining

/// Trains one run of a study on the ranks of a communicator.
struct StudyRun: Sendable {
  let run: Study.Run
  /// The run folder.
  let folder: String
  let shouldStop: @Sendable () -> Bool
  let willStep: @Sendable () -> Void
  let task: TaskFactory?

  /// Trains to the end, from the newest checkpoint of the run folder where it has one; collective.
  ///
  /// A run that diverges comes to an end of its own; any other error is the study's.
  ///
  /// - Parameters:
  ///   - progress: where the rank shows what it is at.
  ///   - warn: takes one-line notices, on rank 0.
  /// - Returns: what it came to, the same on all ranks; nil where it was told to stop.
  func train(
    over communicator: any Communicator, progress: RankProgress? = nil,
    warn: @escaping (String) -> Void
  ) throws -> StudyRecord? {
    var options = TrainingOptions()
    options.out = folder
    options.resume = .automatic
    options.shouldStop = shouldStop
    options.willStep = willStep
    options.progress = progress
    let observer = EndObserver()
    do {
      let report = try Trainer(
        run.configuration, options: options, communicator: communicator, observers: [observer],
        warn: warn, task: task
      ).train()
      if report.isInterrupted { return nil }
      return try agreed(over: communicator) { try record(report, from: observer.startStep) }
    } catch let failure as RankFailure {
      // All ranks have it alike; the first knows whether the run has diverged.
      let end = observer.end.flatMap { $0.reason == .diverged ? $0 : nil }
      let isDiverged = try communicator.allgather([end == nil ? 0 : 1])[0] == 1
      guard isDiverged else { throw failure.of(run.name) }
      return try agreed(over: communicator) {
        end.map {
          StudyRecord(
            run: run.name, fingerprint: run.fingerprint, end: $0.reason.rawValue, step: $0.step,
            message: oneLine($0.message), figures: [])
        }
      }
    }
  }

  /// The first rank's record on all ranks.
  private func agreed(
    over communicator: any Communicator, _ body: () throws -> StudyRecord?
  ) throws -> StudyRecord? {
    let mine = try communicator.agreed("read the figures of \(run.name)") {
      communicator.rank == 0 ? try body()?.json.description ?? "" : ""
    }
    let text = try communicator.broadcast(mine, root: 0)
    return StudyRecord(json: try JSON(parsing: text))
  }

  /// - Parameter start: the step that this process began with; before it others trained.
  private func record(_ report: RunReport, from start: Int) throws -> StudyRecord {
    let all = try RunFigures(folder: folder)
    let figures = all.columns(best: report.best?.step)
    let own: [StudyRecord.Figure] = [
      .init(name: "seconds", value: report.seconds + all.stepSeconds(upTo: start)),
      .init(name: "steps", value: Double(report.step)),
      .init(name: "parameters", value: Double(report.parameters)),
    ]
    return StudyRecord(
      run: run.name, fingerprint: run.fingerprint, end: report.end.reason.rawValue,
      step: report.step, message: report.end.message, figures: figures + own)
  }
}

/// Notes where a run begins and how it ends.
private final class EndObserver: TrainingObserver {
  var startStep = 0
  var end: RunEnd?
  func willTrain(_ plan: RunPlan) { startStep = plan.startStep }
  func didFail(_ end: RunEnd) { self.end = end }
}

extension RankFailure {
  /// The failure with the run that has it.
  fileprivate func of(_ run: String) -> RankFailure {
    RankFailure(rank: rank, exitCode: exitCode, message: "\(run): \(message)")
  }
}
