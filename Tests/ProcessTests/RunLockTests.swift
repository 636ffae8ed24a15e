import DLTestSupport
import Foundation
import Testing

/// One run folder, two jobs.
@Suite(.serialized)
struct RunLockTests {
  private func train(_ folder: String) throws -> [String] {
    ["train", try Job.write(to: folder), "--out", folder + "/run"] + Job.endless
  }

  /// Stops ranks while no file is being written: one that has its name given in the moment of the
  /// stop may get it afterwards.
  private func stopBetweenSaves(_ running: RunningProgram, _ ranks: [pid_t]) {
    while running.process.isRunning {
      for process in ranks { RunningProgram.stop(process) }
      if RunningProgram.phase(ranks[0]) == "step",
        !RunningProgram.threads(ranks[0]).contains("checkpoint:busy")
      {
        return
      }
      for process in ranks { kill(process, SIGCONT) }
      usleep(10_000)
    }
  }

  /// All files of a run by name.
  private func files(_ run: String) throws -> [String: Data] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: run)
    var files: [String: Data] = [:]
    for name in names {
      files[name] = FileManager.default.contents(atPath: run + "/" + name) ?? Data()
    }
    return files
  }

  @Test func aFolderInUseIsRefused() throws {
    try TemporaryFolder.with { folder in
      let first = try Program.start(try train(folder), processes: 2)
      #expect(first.reachesACheckpoint(folder + "/run"))
      let second = try Program.run(try train(folder) + ["--resume", "auto"], processes: 2)
      #expect(second.status == 64, "\(second.errors)")
      #expect(second.faults.count == 1, "\(second.errors)")
      #expect(second.errors.contains("another process writes to this run"))
      for process in first.ranks { kill(process, SIGUSR1) }
      let outcome = first.wait()
      #expect(outcome.status == 75, "\(outcome.errors)")
    }
  }

  @Test func ranksThatComeBackAfterTheRunWentOnWriteNothing() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let first = try Program.start(try train(folder), processes: 2)
      #expect(first.reachesACheckpoint(folder + "/run"))
      // As if their host were cut off: alive, and silent.
      let ranks = first.ranks
      try #require(ranks.count == 2)
      stopBetweenSaves(first, ranks)
      let step = try #require(Job.latestStep(run))
      let second = try Program.run(
        try train(folder) + ["--resume", "auto", "--stop-at", String(step + 50)], processes: 2)
      #expect(second.status == 0, "\(second.errors)")
      let left = try files(run)
      for process in ranks { kill(process, SIGCONT) }
      let outcome = first.wait()
      #expect(outcome.status == 75, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains("another job has taken this run over"))
      #expect(try files(run).filter { !$0.key.hasSuffix(".tmp") } == left)
    }
  }
}
