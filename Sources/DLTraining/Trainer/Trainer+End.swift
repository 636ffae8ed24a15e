import DLCluster

/// How a run ends, and what it leaves then.
extension Trainer {
  /// Whether as many validations as `validate.patience` have passed since the best one, or since the
  /// beginning where none was a best: a figure that is no number never is.
  ///
  /// It follows from the position alone, so that a resumed run ends where the first one would have.
  var isOutOfPatience: Bool {
    guard let patience = configuration.validate.patience else { return false }
    let best = position.best?.step ?? 0
    let between = (best..<position.step).lazy.map { $0 + 1 }.filter {
      self.due(after: $0).validation
    }
    return between.prefix(patience).count == patience
  }

  /// Why a run that nothing has disturbed does not go on, in its last step or before its first.
  func end(isInterrupted: Bool, isAtStop: Bool) -> RunEnd {
    let place = "at step \(position.step) of \(totalSteps)"
    func end(_ reason: RunEnd.Reason, _ message: String, _ code: ExitCode = .success) -> RunEnd {
      RunEnd(
        reason: reason, step: position.step, exitCode: code.rawValue, message: message,
        validation: reason == .earlyStop ? lastValidation : nil)
    }
    if isInterrupted {
      return isAtStop
        ? end(.stopped, "\(place), as --stop-at asks")
        : end(.interrupted, "by a signal, after the step and its checkpoint \(place)", .resumable)
    }
    guard position.step < totalSteps else { return end(.finished, "trained to step \(totalSteps)") }
    let count = configuration.validate.patience ?? 0
    let validations = "\(count) validation\(count == 1 ? "" : "s") without a new best"
    let figure = lastValidation.map { " of \(judged($0).name.replacing("_", with: " "))" } ?? ""
    let best =
      position.best.map { ", which was \(Text.significant($0.value, 6)) at step \($0.step)" }
      ?? ", none was a number"
    return end(.earlyStop, "\(place): \(validations)\(figure)\(best)")
  }

  /// Leaves what a run leaves that an error ends: checkpoints, metrics, summary, and the trace where
  /// all ranks have the error together.
  func fail(_ error: any Error) {
    try? folder?.writer?.finish()
    if error is RankFailure, let trace { _ = try? trace.write() }
    guard communicator.rank == 0 else { return }
    let cluster = error as? ClusterError
    let reason: RunEnd.Reason =
      hasDiverged ? .diverged : cluster?.isPeers == true ? .lostRank : .failed
    let code = (error as? any DLError)?.exitCode ?? .fault
    let message =
      error is RankFailure
      ? "\(error)"
      : LocalFailure(error, rank: communicator.rank, ranks: communicator.size).description
    let end = RunEnd(
      reason: reason, step: position.step, exitCode: code.rawValue, message: message)
    // Where a peer failed, those who joined the ranks know better why.
    try? record?.end(
      reason, step: position.step, exitCode: code.rawValue, message: end.message,
      isFinal: cluster?.isPeerFailure != true)
    for observer in observers { observer.didFail(end) }
  }
}
