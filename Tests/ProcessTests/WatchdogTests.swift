import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Ranks and hosts that stand still, and a launch that is killed.
@Suite(.serialized)
struct WatchdogTests {
  /// A job that does not end by itself.
  private func endless(_ folder: String) throws -> [String] {
    ["train", try Job.write(to: folder), "--out", folder + "/run"] + Job.endless
  }

  @Test func aStoppedRankIsNamedAndEndsTheJob() throws {
    try TemporaryFolder.with { folder in
      let running = try Program.start(
        try endless(folder) + ["--set", "watchdog={warn_seconds: 5, abort_seconds: 15}"],
        processes: 3)
      #expect(running.reachesACheckpoint(folder + "/run"))
      let ranks = running.ranks
      #expect(ranks.count == 3)
      RunningProgram.stop(ranks[1])
      let outcome = running.wait()
      #expect(outcome.status == 70, "\(outcome.errors)")
      // On a busy machine ranks that were not stopped may have stood still for a while before.
      let warnings = outcome.faults.filter {
        $0.hasPrefix("dltrain: warning: no rank goes on for 5 s")
      }
      let ends = outcome.faults.filter { $0.hasPrefix("dltrain: no rank went on for 15 s") }
      #expect(warnings.count + ends.count == outcome.faults.count, "\(outcome.errors)")
      #expect(ends.count == 1, "\(outcome.errors)")
      let (warning, fault) = (warnings.last ?? "", ends.last ?? "")
      for line in [warning, fault] {
        #expect(line.contains("waited for: rank 1 (process \(ranks[1])"), "\(line)")
        #expect(line.contains("stopped) in "), "\(line)")
        #expect(line.contains("waiting: "), "\(line)")
      }
      #expect(fault.contains("--resume auto"))
      let end = try JSON(parsing: String(contentsOfFile: folder + "/run/end.json", encoding: .utf8))
      #expect(end["kind"]?.string == "standstill")
      #expect(end["exit_code"]?.int == 70)
      let late = end["waited_for"]?.array ?? []
      #expect(late.map { $0["rank"]?.int } == [1])
      #expect(late.first?["process"]?.int == Int(ranks[1]))
      #expect(late.first?["state"]?.string == "stopped")
      #expect(end["waiting"]?.array?.compactMap { $0["rank"]?.int } == [0, 2])
      #expect(end["waiting"]?.array?.allSatisfy { $0["in"]?.string?.isEmpty == false } == true)
      #expect(RunningProgram.areGone(ranks))
    }
  }

  @Test func launchGoesOnAfterAStoppedRank() throws {
    try TemporaryFolder.with { folder in
      let train =
        ["train", try Job.write(to: folder)] + Job.endless + [
          "--set", "validate={every_steps: 100}", "--set",
          "watchdog={warn_seconds: 3, abort_seconds: 8}",
        ]
      let run = folder + "/run"
      let running = try Program.start(
        ["launch", "-n", "2", "--"] + train + ["--out", run])
      #expect(running.reachesACheckpoint(folder + "/run"))
      let ranks = running.ranks
      if ranks.count == 2 { RunningProgram.stop(ranks[1]) }
      let outcome = running.stopAfterRestart(run)
      #expect(outcome.status == 75, "\(outcome.errors)")
      #expect(outcome.errors.contains("waited for: rank 1"), "\(outcome.errors)")
      #expect(outcome.errors.contains("restart 1 of 3"), "\(outcome.errors)")
      let cost = outcome.faults.first { $0.hasPrefix("dltrain: restart 1: ") }
      #expect(cost?.contains("first new step") == true, "\(outcome.errors)")
      let step = try #require(Job.latestStep(run))
      let whole = folder + "/whole"
      let undisturbed = try Program.run(
        train + ["--out", whole, "--stop-at", String(step)], processes: 2)
      #expect(undisturbed.status == 0, "\(undisturbed.errors)")
      #expect(try Job.tensors(run, step: step) == Job.tensors(whole, step: step))
      #expect(try Job.metrics(run) == Job.metrics(whole))
    }
  }

  /// Processes that share no memory count as hosts of their own.
  @Test func aSilentHostIsNamedWithItsRanks() throws {
    try TemporaryFolder.with { folder in
      for silent in [0, 2] {
        try? FileManager.default.removeItem(atPath: folder + "/run")
        let running = try Program.start(
          try endless(folder) + ["--reduce", "mpi", "--set", "watchdog.heartbeat_seconds=6"],
          processes: 3)
        #expect(running.reachesACheckpoint(folder + "/run"))
        let ranks = running.ranks
        #expect(ranks.count == 3)
        RunningProgram.stop(ranks[silent])
        let outcome = running.wait()
        #expect(outcome.status == 70, "\(outcome.errors)")
        #expect(outcome.faults.count == 1, "\(outcome.errors)")
        // Another that is late by seconds on a busy machine is named beside it.
        #expect(outcome.errors.contains("nothing was heard of"), "\(outcome.errors)")
        #expect(outcome.errors.contains("(rank \(silent))"), "\(outcome.errors)")
        #expect(outcome.errors.contains(" for 6 s"), "\(outcome.errors)")
        #expect(RunningProgram.areGone(ranks))
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
      #expect(running.reachesACheckpoint(folder + "/run"))
      let ranks = running.ranks
      #expect(ranks.count == 2)
      let parent = ranks.first.flatMap(RunningProgram.parent)
      running.signalLaunch(SIGKILL)
      #expect(RunningProgram.areGone(ranks))
      // Open MPI's mpirun can lock itself up where a signal comes while it ends.
      if let parent { kill(parent, SIGKILL) }
      _ = running.wait()
      let step = try #require(Job.latestStep(folder + "/run"))
      let next = try Program.run(launch + ["--resume", "auto", "--stop-at", String(step + 50)])
      #expect(next.status == 0, "\(next.errors)")
      #expect(next.output.contains("going on from step"))
    }
  }

  @Test func aKilledMPIRunTakesItsRanksAlong() throws {
    try TemporaryFolder.with { folder in
      let running = try Program.start(
        ["launch", "-n", "2", "--"] + (try endless(folder)))
      #expect(running.reachesACheckpoint(folder + "/run"))
      let ranks = running.ranks
      let parent = ranks.first.flatMap(RunningProgram.parent)
      #expect(parent != nil)
      if let parent { kill(parent, SIGKILL) }
      let outcome = running.stopAfterRestart(folder + "/run")
      #expect(outcome.status == 75, "\(outcome.errors)")
      #expect(outcome.errors.contains("restart 1 of 3"), "\(outcome.errors)")
      #expect(RunningProgram.areGone(ranks))
    }
  }
}
