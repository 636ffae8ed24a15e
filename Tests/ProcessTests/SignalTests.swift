import DLTestSupport
import Foundation
import Testing

/// Ctrl-C and its like.
@Suite(.serialized)
struct SignalTests {
  /// Waits until the process is gone, sending it a signal again and again.
  private func send(_ signal: Int32, until running: RunningProgram) {
    while running.process.isRunning {
      for process in running.ranks { kill(process, signal) }
      usleep(50_000)
    }
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
  func aSignalWithoutALauncherSavesACheckpoint(signal: Int32) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let train = try RunEndJob.endless(folder, savesEvery: 1_000_000)
      let running = try Program.start(train + ["--ranks", "2"])
      #expect(RunEndJob.reachesSteps(running, run))
      // As `timeout` does, twice at once.
      for process in running.ranks {
        kill(process, signal)
        kill(process, signal)
      }
      let outcome = running.wait()
      #expect(outcome.status == 75, "\(outcome.errors)")
      #expect(outcome.output.contains("interrupted"), "\(outcome.output)")
      let end = try RunEndJob.expectEnd(run, "interrupted", exitCode: 75)
      let step = end["step"]?.int ?? 0
      #expect(FileManager.default.fileExists(atPath: Job.checkpoint(run, step: step)))
      let resumed = try Program.run(
        train + ["--ranks", "2", "--resume", "auto", "--stop-at", String(step + 1)])
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(resumed.output.contains("going on from step \(step)"), "\(resumed.output)")
    }
  }

  /// As srun starts ranks: by PMIx, and without mpirun's variables.
  @Test(arguments: [0, 1])
  func aSignalToOneRankUnderSrunSavesACheckpoint(rank: Int) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let srun =
        Program.launcher(2) + ["env", "-u", "OMPI_COMM_WORLD_SIZE"]
        + ["SLURM_STEP_ID=0", "SLURM_STEP_NUM_TASKS=2", Program.path]
      let running = try Program.startCommand(
        srun + RunEndJob.endless(folder, savesEvery: 1_000_000), in: folder)
      #expect(RunEndJob.reachesSteps(running, run))
      let ranks = running.ranks
      #expect(ranks.count == 2)
      if ranks.count == 2 { kill(ranks[rank], SIGTERM) }
      let outcome = running.wait()
      #expect(outcome.status == 75, "\(outcome.errors)")
      let end = try RunEndJob.expectEnd(run, "interrupted", exitCode: 75)
      #expect(
        FileManager.default.fileExists(
          atPath: Job.checkpoint(run, step: end["step"]?.int ?? 0)))
    }
  }

  /// mpirun kills its ranks a second after a SIGTERM: nothing is begun, what is noted is written.
  @Test(arguments: [false, true])
  func aSignalToMpirunEndsItsRanksAtOnce(hasCheckpoint: Bool) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      // Foundation starts programs with signals blocked, which mpirun does not undo.
      let unblocked = [
        "perl", "-MPOSIX", "-e", "sigprocmask(SIG_SETMASK, POSIX::SigSet->new()); exec @ARGV",
      ]
      let running = try Program.startCommand(
        unblocked + Program.launcher(2) + [Program.path]
          + RunEndJob.endless(folder, savesEvery: hasCheckpoint ? 20 : 1_000_000), in: folder)
      #expect(
        hasCheckpoint
          ? running.wait { RunEndJob.hasCheckpoint(run) } : RunEndJob.reachesSteps(running, run))
      let mpirun = try #require(running.ranks.first.flatMap(RunningProgram.parent))
      kill(mpirun, SIGTERM)
      let outcome = running.wait()
      #expect(outcome.status != 0 && (hasCheckpoint || outcome.status != 75), "\(outcome.status)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.faults.first?.hasPrefix("dltrain: terminated") == true, "\(outcome.errors)")
      #expect(outcome.faults.first?.contains("--resume auto") == hasCheckpoint)
      try RunEndJob.expectEnd(run, "interrupted", exitCode: hasCheckpoint ? 75 : 143)
      #expect(RunEndJob.hasCheckpoint(run) == hasCheckpoint)
    }
  }

  /// A step that hangs does not hold off a second Ctrl-C; with nothing to go on from the code is the
  /// signal's own.
  @Test(arguments: [false, true])
  func aSecondCtrlCLeavesAtOnce(hasCheckpoint: Bool) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let running = try Program.startCommand(
        [
          Program.modelProgram, "--out", run, "--ranks", "1", "--set",
          "checkpoint.every_steps=\(hasCheckpoint ? 2 : 1000)",
        ], in: folder, variables: ["DLTRAIN_TROUBLE": "hang:0:7"])
      // The set-up makes four calls: it is the third step that hangs.
      #expect(running.wait { running.errors.contains("hanging") })
      if hasCheckpoint {
        let latest = run + "/checkpoints/latest"
        #expect(
          running.wait {
            ((try? String(contentsOfFile: latest, encoding: .utf8)) ?? "").contains("00000002")
          })
      }
      for process in running.ranks { kill(process, SIGINT) }
      #expect(running.wait { running.errors.contains("Ctrl-C again leaves at once") })
      send(SIGINT, until: running)
      let outcome = running.wait()
      #expect(outcome.status == (hasCheckpoint ? 75 : 130), "\(outcome.errors)")
      #expect(outcome.faults.count == 2, "\(outcome.errors)")
      let end = try RunEndJob.expectEnd(
        run, "interrupted", exitCode: hasCheckpoint ? 75 : 130)
      #expect(end["step"]?.int == 2)
    }
  }

  /// What other commands write appears whole or not at all, and nothing is left beside it.
  @Test func predictionsThatAreInterruptedAreNotThere() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let trained = try Program.startCommand(
        [Program.modelProgram, "--out", run, "--set", "steps=2"], in: folder
      ).wait()
      #expect(trained.status == 0, "\(trained.errors)")
      let data = Program.repository + "/Sources/DLData/Resources/digits-validation.safetensors"
      let running = try Program.startCommand(
        [Program.modelProgram, "predict", run, data, "-o", "out.csv"], in: folder,
        variables: ["DLTRAIN_TROUBLE": "hang:0:3"])
      func files() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.contains("out.csv") }
      }
      #expect(running.wait { !files().isEmpty })
      send(SIGINT, until: running)
      let outcome = running.wait()
      #expect(outcome.status == 130, "\(outcome.errors)")
      #expect(outcome.faults == ["dltrain: interrupted"], "\(outcome.errors)")
      #expect(files().isEmpty, "\(files())")
    }
  }
}
