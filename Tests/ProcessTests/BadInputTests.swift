import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Bad input through the real program at two ranks: one line, the exit code of the design, all
/// ranks ended.
@Suite(.serialized)
struct BadInputTests {
  private func expect(
    _ arguments: [String], code: Int32, _ words: String..., lines: Int = 1,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for processes in [2, nil] as [Int?] {
      let outcome = try Program.run(arguments, processes: processes)
      #expect(outcome.status == code, "\(outcome.errors)", sourceLocation: sourceLocation)
      #expect(outcome.faults.count == lines, "\(outcome.errors)", sourceLocation: sourceLocation)
      let text = outcome.faults.joined(separator: "\n")
      for word in words {
        #expect(text.contains(word), "\(word) in: \(text)", sourceLocation: sourceLocation)
      }
    }
  }

  /// Runs `body` with a folder that holds the small job and copies of the digits.
  private func withJob(_ body: (_ folder: String, _ train: [String]) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      let digits = Program.repository + "/Sources/DLData/Resources/digits-train.safetensors"
      try FileManager.default.copyItem(atPath: digits, toPath: folder + "/data.safetensors")
      let job = [
        "train", try Job.write(to: folder), "--set", "data.train=\(folder)/data.safetensors",
      ]
      try body(folder, job)
    }
  }

  private func fresh(_ folder: String) -> [String] {
    ["--out", "\(folder)/run-\(UUID().uuidString)"]
  }

  @Test func configurations() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/bad.yaml"
      let text = """
        data: {synthetic: {shape: [8, 8, 1], classes: 10}}
        model: {layers: [flatten, {linear: {out: 10}}]}
        optimiser: {name: sgd}
        batch_size: 0
        optimizer: {name: sgd, momentun: 0.9, lr: fast}

        """
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      try expect(
        ["train", path], code: 64, "optimiser", "optimizer", "bad.yaml:3", "batch_size", "momentun",
        "momentum", "optimizer.lr", lines: 4)
      try expect(["train", folder + "/none.yaml"], code: 64, "none.yaml")
      try expect(["train", "no-such-recipe"], code: 64, "no-such-recipe")
      try expect(["train", "digits", "--set", "model.layer=[]"], code: 64, "layer")
      try expect(["train", "digits", "--set", "precision=float16"], code: 64, "float16")
      try expect(["train", "digits", "--ranks", "zero"], code: 64, "ranks")
    }
  }

  @Test func dataFiles() throws {
    try withJob { folder, train in
      let data = folder + "/data.safetensors"
      let whole = try Data(contentsOf: URL(fileURLWithPath: data))
      try expect(
        ["train", folder + "/small.yaml", "--set", "data.train=\(folder)/none.safetensors"]
          + fresh(folder), code: 74, "none.safetensors")
      try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: data))
      try expect(train + fresh(folder), code: 65, "data.safetensors")
      try Data((0..<5000).map { _ in UInt8.random(in: 0...255) }).write(
        to: URL(fileURLWithPath: data))
      try expect(train + fresh(folder), code: 65, "data.safetensors")
      try Data().write(to: URL(fileURLWithPath: data))
      try expect(train + fresh(folder), code: 65, "data.safetensors")
      try whole.write(to: URL(fileURLWithPath: data))
      try expect(train + ["--set", "data.classes=7"] + fresh(folder), code: 65, "label", "7")
      try expect(
        train + ["--set", "model.layers=[flatten, {linear: {out: 4}}]"] + fresh(folder), code: 64,
        "4",
        "10")
      try expect(
        train + ["--set", "model.layers=[flatten, {conv2d: {out: 4, kernel: 3}}]"] + fresh(folder),
        code: 64, "1: conv2d")
    }
  }

  @Test func aDataFileCutShortInMidRun() throws {
    try withJob { folder, train in
      let run = folder + "/run"
      let running = try Program.start(
        train + Job.endless + ["--set", "data.order=sequential", "--out", run], processes: 2)
      #expect(running.reachesACheckpoint(run))
      let handle = FileHandle(forUpdatingAtPath: folder + "/data.safetensors")
      try handle?.truncate(atOffset: 3000)
      let outcome = running.wait()
      #expect(outcome.status == 65, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.faults.first?.contains("data.safetensors") == true)
      try expectGoodCheckpoint(run)
    }
  }

  /// Two ranks with files of their own; the loader of one of them fails.
  @Test func aLoaderThatFailsOnOneRank() throws {
    try withJob { folder, train in
      let names = ["first", "second"].map { "\(folder)/\($0)" }
      for name in names {
        try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
          atPath: folder + "/data.safetensors", toPath: name + "/data.safetensors")
      }
      func command(_ options: [String]) -> [String] {
        let own = ["--set", "data.train=/proc/self/cwd/data.safetensors"]
        let job = [Program.path] + train + own + options
        return ["mpirun", "--oversubscribe", "--bind-to", "none", "-n", "1", "--wdir", names[0]]
          + job + [":", "-n", "1", "--wdir", names[1]] + job
      }
      func run(_ options: [String]) throws -> Outcome {
        try Program.startCommand(command(options), in: folder).wait()
      }
      let (whole, broken) = (folder + "/whole", folder + "/broken")
      let running = try Program.startCommand(
        command(Job.endless + ["--out", broken]), in: folder)
      #expect(running.reachesACheckpoint(broken))
      let path = names[1] + "/data.safetensors"
      try FileHandle(forUpdatingAtPath: path)?.truncate(atOffset: 3000)
      let outcome = running.wait()
      #expect(outcome.status == 65, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.faults.first?.contains("rank 1") == true, "\(outcome.errors)")
      #expect(outcome.faults.first?.contains("data.safetensors") == true, "\(outcome.errors)")

      try FileManager.default.removeItem(atPath: path)
      try FileManager.default.copyItem(atPath: names[0] + "/data.safetensors", toPath: path)
      let step = try #require(Job.latestStep(broken)) + 200
      let end = Job.endless + ["--stop-at", String(step)]
      let resumed = try run(end + ["--out", broken, "--resume", "auto"])
      #expect(resumed.status == 0, "\(resumed.errors)")
      let undisturbed = try run(end + ["--out", whole])
      #expect(undisturbed.status == 0, "\(undisturbed.errors)")
      #expect(try Job.tensors(broken, step: step) == Job.tensors(whole, step: step))
    }
  }

  @Test func aDataFileWrittenToInMidRun() throws {
    try withJob { folder, train in
      let running = try startLongRun(folder, train)
      let handle = FileHandle(forUpdatingAtPath: folder + "/data.safetensors")
      try handle?.seek(toOffset: 5000)
      try handle?.write(contentsOf: Data(repeating: 7, count: 100))
      let outcome = running.wait()
      #expect(outcome.status == 65, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.faults.first?.contains("was changed while it is in use") == true)
      try expectGoodCheckpoint(folder + "/run")
    }
  }

  @Test(arguments: [false, true])
  func aDataFileDeletedOrRenamedOverInMidRunIsReadOn(isReplaced: Bool) throws {
    try withJob { folder, train in
      let data = folder + "/data.safetensors"
      let running = try startLongRun(folder, train)
      if isReplaced {
        try Data(repeating: 7, count: 5000).write(
          to: URL(fileURLWithPath: data), options: .atomic)
      } else {
        try FileManager.default.removeItem(atPath: data)
      }
      let latest = folder + "/run/checkpoints/latest"
      let before = try String(contentsOfFile: latest, encoding: .utf8)
      #expect(
        running.wait { (try? String(contentsOfFile: latest, encoding: .utf8)) ?? before != before })
      for process in running.ranks { kill(process, SIGUSR1) }
      let outcome = running.wait()
      #expect(outcome.status == 75, "\(outcome.errors)")
      try expect(
        train + ["--out", folder + "/run", "--resume", "auto"], code: isReplaced ? 65 : 74,
        "data.safetensors")
    }
  }

  /// Starts a job that does not end by itself, and waits for its first checkpoint.
  private func startLongRun(_ folder: String, _ train: [String]) throws -> RunningProgram {
    let run = folder + "/run"
    let running = try Program.start(train + Job.endless + ["--out", run], processes: 2)
    #expect(running.reachesACheckpoint(run))
    return running
  }

  @Test func checkpoints() throws {
    try withJob { folder, train in
      let run = folder + "/run"
      #expect(try Program.run(train + ["--out", run, "--stop-at", "6"], processes: 2).status == 0)
      let resume = ["--out", run, "--resume", Job.checkpoint(run, step: 6)]
      try expect(
        train + resume + ["--set", "model.layers=[flatten, {linear: {out: 10}}]"], code: 64,
        "does not fit the model")
      try expect(train + ["--out", run], code: 64, "already holds a run")
      try expect(
        train + ["--out", run, "--resume", folder + "/none.safetensors"], code: 74, "none")

      let newest = Job.checkpoint(run, step: 6)
      var bytes = try Data(contentsOf: URL(fileURLWithPath: newest))
      bytes[bytes.count - 100] ^= 0x40
      try bytes.write(to: URL(fileURLWithPath: newest))
      try expect(train + resume, code: 65, "checksum")
      try bytes.prefix(1000).write(to: URL(fileURLWithPath: newest))
      try expect(train + resume, code: 65, "step-00000006")
      let outcome = try Program.run(train + ["--out", run, "--resume", "auto"], processes: 2)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("step-00000006"))
    }
  }

  @Test func aFullDisk() throws {
    try withJob { folder, train in
      // The largest file that may be written is smaller than a checkpoint: every write past it fails.
      let limited = ["bash", "-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "bash", Program.path]
      let run = folder + "/run"
      let model = "model.layers=[flatten, {linear: {out: 64}}, relu, {linear: {out: 10}}]"
      let command =
        Program.launcher(2) + limited + train
        // The limit holds for shared memory too, and a line would say that it is not used.
        + ["--set", model, "--out", run, "--reduce", "mpi"]
      let outcome = try Program.startCommand(command, in: folder).wait()
      #expect(outcome.status == 74, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      let left = try FileManager.default.contentsOfDirectory(atPath: run + "/checkpoints")
      #expect(left.filter { $0.hasSuffix(".tmp") }.isEmpty)
    }
  }

  @Test func aFullFileSystem() throws {
    let mounted = try TemporaryFolder.make()
    defer { try? FileManager.default.removeItem(atPath: mounted) }
    let mount = try Program.startCommand(
      ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", mounted], in: nil
    ).wait()
    guard mount.status == 0 else {
      print("skipped: mounting a small file system needs root and is not allowed here")
      return
    }
    defer {
      _ = try? Program.startCommand(["umount", mounted], in: nil).wait()
    }
    try withJob { _, train in
      let run = mounted + "/run"
      let outcome = try Program.run(
        train + ["--out", run, "--set", "steps=1000000000"], processes: 2)
      #expect(outcome.status == 74, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      try expectGoodCheckpoint(run)
    }
  }

  @Test func aKilledRank() throws {
    try withJob { folder, train in
      let run = folder + "/run"
      let running = try Program.start(train + Job.endless + ["--out", run], processes: 3)
      #expect(running.reachesACheckpoint(run))
      let ranks = running.ranks
      #expect(ranks.count == 3)
      running.kill(rank: 0)
      let outcome = running.wait()
      #expect(outcome.status == 137, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.faults.first?.contains("--resume auto") == true)
      #expect(RunningProgram.areGone(ranks), "ranks are left")
      try expectGoodCheckpoint(run)
    }
  }

  /// The newest checkpoint of the run is whole: evaluating it succeeds.
  private func expectGoodCheckpoint(_ run: String) throws {
    let evaluated = try Program.run(
      ["evaluate", run, "--data", "embedded:digits-validation", "--checkpoint", "latest"])
    #expect(evaluated.status == 0, "\(evaluated.errors)")
  }
}
