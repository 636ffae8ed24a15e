import DLTestSupport
import Foundation
import Testing

/// What is left of runs that lose a rank: the metrics are whole, and the summary says what was lost.
@Suite(.serialized)
struct LostRankTests {
  @Test(arguments: [0, 1])
  func aRankThatIsKilled(rank: Int) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let running = try Program.start(try RunEndJob.endless(folder), processes: 2)
      #expect(running.wait { RunEndJob.hasCheckpoint(run) })
      running.kill(rank: rank)
      let outcome = running.wait()
      #expect(outcome.status == 137, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(
        outcome.faults.first?.hasPrefix("dltrain: lost rank \(rank), whose process has ended")
          == true, "\(outcome.errors)")
      #expect(outcome.faults.first?.contains("--resume auto --out \(run)") == true)
      let end = try RunEndJob.expectEnd(run, "lost_rank", exitCode: nil)
      #expect(end["message"]?.string?.contains("rank \(rank)") == true, "\(end)")
    }
  }

  @Test func aRankThatStandsStill() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let running = try Program.start(
        try RunEndJob.endless(folder)
          + ["--set", "watchdog={warn_seconds: 1, abort_seconds: 2}"], processes: 2)
      #expect(running.wait { RunEndJob.hasCheckpoint(run) })
      let ranks = running.ranks
      #expect(ranks.count == 2)
      if ranks.count == 2 { RunningProgram.stop(ranks[1]) }
      let outcome = running.wait()
      #expect(outcome.status == 70, "\(outcome.errors)")
      let end = try RunEndJob.expectEnd(run, "lost_rank", exitCode: 70)
      #expect(end["message"]?.string?.contains("waited for: rank 1") == true, "\(end)")
    }
  }

  /// A rank that hangs among the threads of one process, before any checkpoint.
  @Test func aThreadThatStandsStill() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let outcome = try Program.startCommand(
        [
          Program.modelProgram, "--out", run, "--ranks", "2", "--set",
          "watchdog={warn_seconds: 1, abort_seconds: 2}",
        ], in: folder, variables: ["DLTRAIN_TROUBLE": "hang:1:7"]
      ).wait()
      #expect(outcome.status == 70, "\(outcome.errors)")
      try RunEndJob.expectEnd(run, "lost_rank", exitCode: 70, step: 2)
      #expect(outcome.faults.last?.contains("no checkpoint was written") == true)
    }
  }

  /// Processes that share no memory count as hosts of their own.
  @Test func aHostThatIsSilent() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let running = try Program.start(
        try RunEndJob.endless(folder)
          + ["--reduce", "mpi", "--set", "watchdog.heartbeat_seconds=2"], processes: 2)
      #expect(running.wait { RunEndJob.hasCheckpoint(run) })
      let ranks = running.ranks
      if ranks.count == 2 { RunningProgram.stop(ranks[1]) }
      let outcome = running.wait()
      #expect(outcome.status == 70, "\(outcome.errors)")
      let end = try RunEndJob.expectEnd(run, "lost_rank", exitCode: 70)
      #expect(end["message"]?.string?.contains("nothing was heard of") == true, "\(end)")
    }
  }

  /// Under launch the ranks beside a lost one are killed at once: launch says how it ended.
  @Test(arguments: [0, 1])
  func aLaunchThatGivesUp(rank: Int) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let running = try Program.start(
        ["launch", "-n", "2", "--max-restarts", "0", "--"] + RunEndJob.endless(folder))
      #expect(running.wait { RunEndJob.hasCheckpoint(run) })
      running.kill(rank: rank)
      let outcome = running.wait()
      #expect(outcome.status == 75, "\(outcome.errors)")
      let summary = try RunEndJob.summary(run)
      #expect(summary["end"]?["reason"]?.string == "lost_rank", "\(summary)")
      #expect(summary["finished"] == .bool(false))
    }
  }

  /// Nobody is left to say anything: the summary does not look like that of an end.
  @Test func aProcessThatIsKilled() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let running = try Program.start(try RunEndJob.endless(folder) + ["--ranks", "2"])
      #expect(running.wait { RunEndJob.hasCheckpoint(run) })
      running.kill(rank: 0)
      let outcome = running.wait()
      #expect(outcome.status == 137, "\(outcome.errors)")
      let summary = try RunEndJob.summary(run)
      #expect(summary["end"]?["reason"]?.string == "running", "\(summary)")
      #expect(summary["finished"] == .bool(false))
    }
  }
}
