import DLCore
import DLFormats
import DLJobs
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// However a run ends by itself, its metrics are whole and its summary says how.
@Suite(.serialized)
struct RunEndTests {
  @Test(arguments: RunEndJob.layouts)
  func aFinishedRunAndOneAtItsStop(processes: Int?) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let train =
        ["train", try Job.write(to: folder), "--out", run] + RunEndJob.ranks(processes)
      let stopped = try Program.run(train + ["--stop-at", "5"], processes: processes)
      #expect(stopped.status == 0, "\(stopped.errors)")
      #expect(stopped.output.contains("at step 5 of 12"), "\(stopped.output)")
      try RunEndJob.expectEnd(run, "stopped", exitCode: 0, step: 5)
      let finished = try Program.run(train + ["--resume", "auto"], processes: processes)
      #expect(finished.status == 0, "\(finished.errors)")
      try RunEndJob.expectEnd(run, "finished", exitCode: 0, step: 12)
      let summary = try Data(contentsOf: URL(fileURLWithPath: run + "/summary.json"))
      let again = try Program.run(train + ["--resume", "auto"], processes: processes)
      #expect(again.output.contains("nothing to do"), "\(again.output)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: run + "/summary.json")) == summary)
    }
  }

  @Test(arguments: RunEndJob.layouts)
  func aRunThatGoesOnForgetsTheEndOfTheJobBefore(processes: Int?) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let train =
        ["train", try Job.write(to: folder), "--out", run] + RunEndJob.ranks(processes)
      let stopped = try Program.run(train + ["--stop-at", "5"], processes: processes)
      #expect(stopped.status == 0, "\(stopped.errors)")
      try EndFile(kind: .lostRank, exitCode: 70, message: "lost rank 1", launch: "", job: "1-1")
        .write(to: run)
      #expect(EndFile.read(run)?.message == "lost rank 1")
      let finished = try Program.run(train + ["--resume", "auto"], processes: processes)
      #expect(finished.status == 0, "\(finished.errors)")
      try RunEndJob.expectEnd(run, "finished", exitCode: 0, step: 12)
      #expect(!FileManager.default.fileExists(atPath: EndFile.path(in: run)))
    }
  }

  /// The training rows are harmless; the validation rows make all logits infinite, and so every loss
  /// inf - inf.
  private func writeNaNJob(_ folder: String) throws -> [String] {
    func write(_ name: String, _ tensors: [(String, SafetensorsType, [Int], [UInt8])]) throws {
      try SafetensorsWriter.write(
        tensors.map { name, dtype, shape, bytes in
          SafetensorsTensor(name: name, dtype: dtype, shape: shape) { sink in
            try bytes.withUnsafeBytes { try sink($0) }
          }
        }, to: "\(folder)/\(name).safetensors")
    }
    func bytes(_ values: [Float]) -> [UInt8] {
      values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    }
    let labels: [UInt8] = (0..<8).flatMap { [UInt8($0 % 2), 0, 0, 0] }
    let rows = (0..<32).map { Float($0 % 5) / 10 }
    try write("train", [("x", .float32, [8, 4], bytes(rows)), ("y", .int32, [8], labels)])
    let huge = [Float](repeating: 3e38, count: 32)
    try write("validation", [("x", .float32, [8, 4], bytes(huge)), ("y", .int32, [8], labels)])
    let tens = bytes([Float](repeating: 10, count: 8))
    try write(
      "start", [("0.weight", .float32, [2, 4], tens), ("0.bias", .float32, [2], bytes([0, 0]))])
    let job = """
      data: {train: train.safetensors, validation: validation.safetensors}
      model: {layers: [{linear: {out: 2}}]}
      optimizer: {name: sgd, lr: 0.001}
      batch_size: 4
      epochs: 50
      validate: {every_epochs: 1, patience: 4, judge: loss}

      """
    try job.write(toFile: folder + "/nan.yaml", atomically: true, encoding: .utf8)
    return ["train", folder + "/nan.yaml", "--init", folder + "/start.safetensors"]
  }

  @Test(arguments: RunEndJob.layouts)
  func validationsThatAreNoNumberUseUpThePatience(processes: Int?) throws {
    try TemporaryFolder.with { folder in
      let train = try writeNaNJob(folder) + RunEndJob.ranks(processes)
      let whole = try Program.run(train + ["--out", folder + "/whole"], processes: processes)
      #expect(whole.status == 0, "\(whole.errors)")
      let losses = try Job.records(folder + "/whole", "validation").map { $0["loss"] }
      #expect(losses == [.null, .null, .null, .null])
      let end = try RunEndJob.expectEnd(folder + "/whole", "early_stop", exitCode: 0, step: 8)
      #expect(end["validation"]?["step"]?.int == 8)
      #expect(end["validation"]?["loss"] == .null)
      #expect(whole.output.contains("4 validations without a new best of loss"))
      #expect(whole.output.contains("none was a number"), "\(whole.output)")

      // The count goes on where a run is interrupted.
      let run = folder + "/run"
      let rest = train.filter { !$0.hasPrefix("--init") && !$0.hasSuffix("start.safetensors") }
      let first = try Program.run(
        train + ["--out", run, "--stop-at", "5"], processes: processes)
      #expect(first.status == 0, "\(first.errors)")
      let second = try Program.run(rest + ["--out", run, "--resume", "auto"], processes: processes)
      #expect(second.status == 0, "\(second.errors)")
      #expect(try Job.metrics(run) == Job.metrics(folder + "/whole"))
      try RunEndJob.expectEnd(run, "early_stop", exitCode: 0, step: 8)
      let third = try Program.run(rest + ["--out", run, "--resume", "auto"], processes: processes)
      #expect(third.status == 0, "\(third.errors)")
      #expect(third.output.contains("nothing to do"), "\(third.output)")
      try RunEndJob.expectEnd(run, "early_stop", exitCode: 0, step: 8)
    }
  }

  @Test(arguments: RunEndJob.layouts, [false, true])
  func aRunThatDiverges(processes: Int?, hasCheckpoint: Bool) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let outcome = try Program.run(
        [
          "train", try Job.write(to: folder), "--out", run, "--set",
          "optimizer={name: sgd, lr: 1.0e+200}", "--set", "schedule={}", "--trace",
          folder + "/trace.json", "--set", "checkpoint.every_steps=\(hasCheckpoint ? 1 : 10)",
        ] + RunEndJob.ranks(processes), processes: processes)
      #expect(outcome.status == 64, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      let end = try RunEndJob.expectEnd(run, "diverged", exitCode: 64)
      let step = end["step"]?.int ?? 0
      #expect(step >= 1)
      let fault = outcome.faults.first ?? ""
      #expect(fault.contains("step \(step + 1): "), "\(fault)")
      #expect(outcome.output.contains("diverged"), "\(outcome.output)")
      #expect(outcome.output.contains("at step \(step) of 12"), "\(outcome.output)")
      #expect(RunEndJob.hasCheckpoint(run) == hasCheckpoint)
      for text in [fault, outcome.output] {
        #expect(text.contains("--resume auto --out \(run)") == hasCheckpoint, "\(text)")
        #expect(!text.contains("stands"))
      }
      #expect(fault.contains("no checkpoint was written") != hasCheckpoint, "\(fault)")
      // All ranks have the error together, so the trace is there too.
      let trace = try JSON(
        parsing: String(contentsOfFile: folder + "/trace.json", encoding: .utf8))
      let names = trace["traceEvents"]?.array?.compactMap { $0["name"]?.string } ?? []
      #expect(names.filter { $0 == "step" }.count == 2 * (step + 1), "\(names.count)")
    }
  }

  @Test(arguments: RunEndJob.layouts)
  func dataThatAreCutShortInMidRun(processes: Int?) throws {
    try TemporaryFolder.with { folder in
      let data = folder + "/data.safetensors"
      try FileManager.default.copyItem(
        atPath: Program.repository + "/Sources/DLData/Resources/digits-train.safetensors",
        toPath: data)
      let run = folder + "/run"
      let running = try Program.start(
        try RunEndJob.endless(folder, savesEvery: 1_000_000) + RunEndJob.ranks(processes)
          + ["--set", "data.train=\(data)"], processes: processes)
      #expect(RunEndJob.reachesSteps(running, run))
      try FileHandle(forUpdatingAtPath: data)?.truncate(atOffset: 3000)
      let outcome = running.wait()
      #expect(outcome.status == 65, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.faults.first?.contains("no checkpoint was written") == true)
      let end = try RunEndJob.expectEnd(run, "failed", exitCode: 65)
      #expect(end["message"]?.string?.contains("data.safetensors") == true, "\(end)")
      #expect(outcome.output.contains("failed"), "\(outcome.output)")
      #expect(outcome.output.contains("none was written"), "\(outcome.output)")
    }
  }

  /// An error that only one rank knows of, and that is no error of dltrain.
  @Test(arguments: [(nil, 0), (nil, 1), (2, 0), (2, 1)] as [(Int?, Int)])
  func anErrorOfOneRankAlone(processes: Int?, rank: Int) throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let command =
        Program.launcher(processes) + [Program.modelProgram, "--out", run]
        + RunEndJob.ranks(processes) + ["--set", "checkpoint.every_steps=2"]
      let outcome = try Program.startCommand(
        command, in: folder, variables: ["DLTRAIN_TROUBLE": "fail:\(rank):10"]
      ).wait()
      #expect(outcome.status == 70, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      // The set-up makes four calls: one of them asks what the activations need.
      let end = try RunEndJob.expectEnd(run, "failed", exitCode: 70, step: 5)
      #expect(end["message"]?.string == "call 10 met its trouble (rank \(rank))", "\(end)")
      #expect(outcome.faults.first?.contains("--resume auto --out \(run)") == true)
    }
  }
}
