import DLCluster
import DLCore
import DLLayers

/// The words of a run on itself before its first step and behind its last.
extension Trainer {
  var plan: RunPlan {
    let (configuration, sampler) = (run.configuration, run.sampler)
    return RunPlan(
      name: run.name, folder: store.path, startStep: run.position.step,
      totalSteps: run.totalSteps, stepsPerEpoch: sampler.stepsPerEpoch,
      ranks: run.communicator.size, rows: run.data.train.count,
      isValidated: run.data.validation != nil, repeats: sampler.repeats,
      batchSize: configuration.batchSize, parameters: parameterCount,
      precision: configuration.precision.rawValue, metric: run.metrics.ownColumn,
      metrics: run.metrics.namedColumns,
      overlap: run.overlap?.text(
        buckets: run.optimizers.reduce(0) { $0 + $1.shards.buckets.count }),
      gathersStatistics: run.communicator.size > 1 && configuration.syncBatchNorm
        && run.arena.modules.contains { $0 is BatchNorm })
  }

  /// The file where the trace is left at the end; nil unless one is wanted.
  func openTrace() throws -> TraceFile? {
    guard let path = run.options.trace, let timeline = run.timeline else { return nil }
    return try TraceFile(path, timeline, run.communicator.unrecorded)
  }

  /// Reports the end of a run that no error has ended; collective.
  func conclude(_ totals: RunTotals, ended: Double, isInterrupted: Bool) throws -> RunReport {
    let stepsPerEpoch = run.sampler.stepsPerEpoch
    let report = RunReport(
      name: run.name, folder: store.path, checkpoint: store.lastCheckpoint,
      step: run.position.step, totalSteps: run.totalSteps,
      epochs: (run.totalSteps + stepsPerEpoch - 1) / stepsPerEpoch,
      ranks: run.communicator.size, parameters: parameterCount, loss: run.lastLoss,
      validation: run.lastValidation, best: run.position.best,
      monitor: run.lastValidation.map { run.configuration.validate.monitored(in: $0).name },
      seconds: ended - totals.began, samplesPerSecond: totals.samplesPerSecond,
      isInterrupted: isInterrupted, hasReachedStop: isAtStop, traffic: totals.traffic,
      profile: run.profile?.rows,
      end: end(isInterrupted: isInterrupted))
    try run.communicator.agreed("end the run") {
      if let failure = run.exchange.failure { throw failure }
      let end = report.end
      try store.record?.end(
        end.reason, step: end.step, exitCode: end.exitCode, message: end.message,
        validation: end.validation)
      for observer in run.observers { try observer.didTrain(report) }
    }
    return report
  }

  /// The reason why a run that nothing has disturbed does not go on, in its last step or before its
  /// first.
  private func end(isInterrupted: Bool) -> RunEnd {
    let place = "at step \(run.position.step) of \(run.totalSteps)"
    func end(_ reason: RunEnd.Reason, _ message: String, _ code: ExitCode = .success) -> RunEnd {
      RunEnd(
        reason: reason, step: run.position.step, exitCode: code.rawValue, message: message,
        validation: reason == .earlyStop ? run.lastValidation : nil)
    }
    if isInterrupted {
      return isAtStop
        ? end(.stopped, "\(place), as \(OptionName.stopAt) asks")
        : end(.interrupted, "by a signal, after the step and its checkpoint \(place)", .resumable)
    }
    guard run.position.step < run.totalSteps else {
      return end(.finished, "trained to step \(run.totalSteps)")
    }
    let validate = run.configuration.validate
    let count = validate.patience ?? 0
    let validations = "\(count) validation\(count == 1 ? "" : "s") without a new best"
    let metric =
      run.lastValidation.map {
        " of \(validate.monitored(in: $0).name.replacing("_", with: " "))"
      } ?? ""
    let best =
      run.position.best.map { ", which was \(Format.significant($0.value, 6)) at step \($0.step)" }
      ?? ", none was a number"
    return end(.earlyStop, "\(place): \(validations)\(metric)\(best)")
  }

  /// Leaves what a run leaves that an error ends: checkpoints, metrics, summary, and the trace where
  /// all ranks have the error together.
  func fail(_ error: any Error) {
    try? store.folder?.writer?.finish()
    if error is RankFailure, let trace { _ = try? trace.write() }
    let rank = run.communicator.rank
    guard rank == 0 else { return }
    let cluster = error as? ClusterError
    let reason: RunEnd.Reason =
      run.hasDiverged ? .diverged : cluster?.isPeers == true ? .lostRank : .failed
    let code = ExitCode(of: error)
    let message =
      error is RankFailure
      ? "\(error)"
      : LocalFailure(error, rank: rank, ranks: run.communicator.size).description
    let end = RunEnd(
      reason: reason, step: run.position.step, exitCode: code.rawValue, message: message)
    // Where a peer failed, those who joined the ranks know better why.
    try? store.record?.end(
      reason, step: run.position.step, exitCode: code.rawValue, message: end.message,
      isFinal: cluster?.isPeerFailure != true)
    for observer in run.observers { observer.didFail(end) }
  }
}
