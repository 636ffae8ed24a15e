import Foundation

/// What tests wait for. A job that a test disturbs has no end of its own: it lasts until the test has
/// seen what it waits for, however slow the machine is, and is then stopped.
extension RunningProgram {
  /// Waits for a checkpoint of a run, behind a step where one is given; false where the job ends before.
  func reachesACheckpoint(_ run: String, after step: Int? = nil) -> Bool {
    wait { Job.latestStep(run).map { $0 > step ?? -1 } ?? false }
  }

  /// Waits for a text in what is written to standard error; false where the job ends before.
  func says(_ text: String) -> Bool { wait { errors.contains(text) } }

  /// Waits until a run that `dltrain launch` started again has saved something new, and stops it by a
  /// signal.
  ///
  /// - Returns: what it left behind, with 75 as its status where all went well.
  func stopAfterRestart(_ run: String) -> Outcome {
    if says("starting again, restart 1 of") {
      let step = Job.latestStep(run)
      if reachesACheckpoint(run, after: step) { signalLaunch(SIGTERM) }
    }
    return wait()
  }

  /// Waits until none of the processes is left; false where some stay for ten minutes.
  static func areGone(_ processes: [pid_t]) -> Bool {
    let end = Date().addingTimeInterval(600)
    while processes.contains(where: isRunning) {
      guard Date() < end else { return false }
      usleep(20_000)
    }
    return true
  }

  /// True for a process that has not ended, whether or not its parent has asked how.
  private static func isRunning(_ process: pid_t) -> Bool {
    Foundation.kill(process, 0) == 0 && status(of: process).map { $0.state != "Z" } ?? false
  }
}

extension Job {
  /// Settings of a job that does not end by itself and saves every 20 steps.
  static let endless = [
    "--set", "steps=1000000000", "--set", "validate={every_steps: 1000000}", "--set",
    "checkpoint={every_steps: 20, keep: 3}",
  ]

  /// The step of a run's newest checkpoint; nil where there is none.
  static func latestStep(_ run: String) -> Int? {
    let name = try? String(contentsOfFile: run + "/checkpoints/latest", encoding: .utf8)
    return name.flatMap { Int($0.filter(\.isNumber)) }
  }
}
