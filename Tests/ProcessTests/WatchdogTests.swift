import Foundation
import Testing

/// Ranks and hosts that stand still, and a launch that is killed.
@Suite(.serialized)
struct WatchdogTests {
  /// A job that does not end by itself.
  private func endless(_ folder: String) throws -> [String] {
    [
      "train", try Job.write(to: folder), "--out", folder + "/run", "--set", "steps=1000000",
      "--set", "validate={every_steps: 1000000}", "--set", "checkpoint={every_steps: 20, keep: 3}",
    ]
  }

  private func reachesACheckpoint(_ running: RunningProgram, _ folder: String) -> Bool {
    running.wait {
      FileManager.default.fileExists(atPath: folder + "/run/checkpoints/latest")
    }
  }

  /// Waits until none of the processes is left.
  private func areGone(_ processes: [pid_t], seconds: Double = 20) -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while processes.contains(where: { kill($0, 0) == 0 }) {
      guard Date() < end else { return false }
      usleep(20_000)
    }
    return true
  }

  @Test func aStoppedRankIsNamedAndEndsTheJob() throws {
    try TemporaryFolder.with { folder in
      let running = try Program.start(
        try endless(folder) + ["--set", "watchdog={warn_seconds: 1, abort_seconds: 3}"],
        processes: 3)
      #expect(reachesACheckpoint(running, folder))
      let ranks = running.ranks
      #expect(ranks.count == 3)
      let stopped = Date()
      RunningProgram.stop(ranks[1])
      let outcome = running.wait()
      print("a stopped rank ended the job after \(Date().timeIntervalSince(stopped)) s of 3 s")
      #expect(outcome.status == 70, "\(outcome.errors)")
      #expect(outcome.faults.count == 2, "\(outcome.errors)")
      let (warning, fault) = (outcome.faults.first ?? "", outcome.faults.last ?? "")
      #expect(warning.hasPrefix("dltrain: warning: no rank goes on for 1 s"))
      #expect(fault.hasPrefix("dltrain: no rank went on for 3 s"))
      for line in [warning, fault] {
        #expect(line.contains("waited for: rank 1 (process \(ranks[1])"), "\(line)")
        #expect(line.contains("stopped) in "), "\(line)")
        #expect(line.contains("waiting: "), "\(line)")
      }
      #expect(fault.contains("--resume auto"))
      #expect(areGone(ranks))
    }
  }

  @Test func launchGoesOnAfterAStoppedRank() throws {
    try TemporaryFolder.with { folder in
      let train = [
        "train", try Job.write(to: folder), "--set", "steps=500", "--set",
        "validate={every_steps: 100}", "--set", "checkpoint={every_steps: 20, keep: 2}", "--set",
        "watchdog={warn_seconds: 1, abort_seconds: 2}",
      ]
      let whole = folder + "/whole"
      let undisturbed = try Program.run(train + ["--out", whole], processes: 2)
      #expect(undisturbed.status == 0, "\(undisturbed.errors)")
      let run = folder + "/run"
      let running = try Program.start(
        ["launch", "-n", "2", "--"] + train + ["--out", run], timeoutSeconds: 120)
      #expect(reachesACheckpoint(running, folder))
      let ranks = running.ranks
      if ranks.count == 2 { RunningProgram.stop(ranks[1]) }
      let outcome = running.wait()
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("waited for: rank 1"), "\(outcome.errors)")
      #expect(outcome.errors.contains("restart 1 of 3"), "\(outcome.errors)")
      let cost = outcome.faults.first { $0.hasPrefix("dltrain: restart 1: ") }
      #expect(cost?.contains("first new step") == true, "\(outcome.errors)")
      print(cost ?? "")
      #expect(try Job.tensors(run, step: 500) == Job.tensors(whole, step: 500))
      #expect(try Job.metrics(run) == Job.metrics(whole))
    }
  }

  /// Processes that share no memory count as hosts of their own.
  @Test func aSilentHostIsNamedWithItsRanks() throws {
    try TemporaryFolder.with { folder in
      for silent in [0, 2] {
        try? FileManager.default.removeItem(atPath: folder + "/run")
        let running = try Program.start(
          try endless(folder) + ["--reduce", "mpi", "--set", "watchdog.heartbeat_seconds=2"],
          processes: 3)
        #expect(reachesACheckpoint(running, folder))
        let ranks = running.ranks
        #expect(ranks.count == 3)
        let stopped = Date()
        RunningProgram.stop(ranks[silent])
        let outcome = running.wait()
        print("a silent host ended the job after \(Date().timeIntervalSince(stopped)) s of 2 s")
        #expect(outcome.status == 70, "\(outcome.errors)")
        #expect(outcome.faults.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("(rank \(silent)) for 2 s"), "\(outcome.errors)")
        #expect(areGone(ranks))
      }
    }
  }

  @Test func hostsThatAreHeardOfEndTheirJobCleanly() throws {
    try TemporaryFolder.with { folder in
      let train = ["train", try Job.write(to: folder)]
      let shared = try Program.run(train + ["--out", folder + "/shared"], processes: 2)
      #expect(shared.status == 0, "\(shared.errors)")
      let apart = try Program.run(
        train + ["--out", folder + "/apart", "--reduce", "mpi", "--ranks", "4"], processes: 2)
      #expect(apart.status == 0, "\(apart.errors)")
      #expect(apart.faults.isEmpty, "\(apart.errors)")
      let failing = try Program.run(
        train + ["--out", folder + "/apart", "--reduce", "mpi"], processes: 2)
      #expect(failing.status == 64, "\(failing.errors)")
      #expect(failing.faults.count == 1, "\(failing.errors)")
    }
  }

  @Test func aKilledLaunchTakesItsJobAlong() throws {
    try TemporaryFolder.with { folder in
      let launch = ["launch", "-n", "2", "--"] + (try endless(folder))
      let running = try Program.start(launch)
      #expect(reachesACheckpoint(running, folder))
      let ranks = running.ranks
      #expect(ranks.count == 2)
      running.signalLaunch(SIGKILL)
      _ = running.wait()
      #expect(areGone(ranks))
      let next = try Program.run(
        ["launch", "-n", "2", "--"] + endless(folder)
          + ["--set", "steps=3000", "--resume", "auto"])
      #expect(next.status == 0, "\(next.errors)")
      #expect(next.output.contains("going on from step"))
    }
  }

  @Test func aKilledMPIRunTakesItsRanksAlong() throws {
    try TemporaryFolder.with { folder in
      let running = try Program.start(
        ["launch", "-n", "2", "--"] + (try endless(folder)) + ["--stop-at", "9000"])
      #expect(reachesACheckpoint(running, folder))
      let ranks = running.ranks
      let parent = ranks.first.flatMap(RunningProgram.parent)
      #expect(parent != nil)
      if let parent { kill(parent, SIGKILL) }
      let outcome = running.wait()
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("restart 1 of 3"), "\(outcome.errors)")
      #expect(areGone(ranks))
    }
  }
}
