import DLFormats
import Foundation
import Testing

/// The main job and the verbs around a finished run.
@Suite(.serialized)
struct MainJobTests {
  @Test(arguments: [4, 3, 2, nil] as [Int?])
  func digitsReachTheirAccuracy(processes: Int?) throws {
    try TemporaryFolder.with { folder in
      let outcome = try Program.run(
        ["--out", folder + "/run"], processes: processes, timeoutSeconds: 120)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let accuracy = try summary(folder + "/run")["last"]?["accuracy"]?.double ?? 0
      #expect(accuracy >= 0.975)
      let epochs = outcome.output.split(separator: "\n").filter { $0.contains("/15 ") }
      #expect(epochs.count == 15, "\(outcome.output)")
    }
  }

  @Test func aFinishedRunIsEvaluatedPredictedAndExported() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      #expect(try Program.run(["train", "digits", "--out", run], processes: 2).status == 0)
      let accuracy = try summary(run)["last"]?["accuracy"]?.double ?? 0
      let rows = Double(360)

      let data = Program.repository + "/Sources/DLData/Resources/digits-validation.safetensors"
      let predicted = try Program.run(["predict", run, data, "--checkpoint", "latest"])
      #expect(predicted.status == 0, "\(predicted.errors)")
      let lines = predicted.output.split(separator: "\n")
      #expect(lines.first == "row,class,probability")
      #expect(lines.count == 361)
      let labels = try SafetensorsFile(path: data).bytes("y").withUnsafeBytes { raw in
        (0..<360).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self) }
      }
      let right = lines.dropFirst().filter { line in
        let fields = line.split(separator: ",")
        return Int(fields[0]).map { Int32(fields[1]) == labels[$0] } ?? false
      }
      #expect(Double(right.count) / rows == accuracy)

      let weights = folder + "/weights.safetensors"
      let exported = try Program.run(["export", run, "-o", weights, "--checkpoint", "latest"])
      #expect(exported.status == 0, "\(exported.errors)")
      let again = folder + "/again"
      let started = try Program.run(
        [
          "train", "digits", "--out", again, "--init", weights, "--set", "steps=1", "--set",
          "optimizer.lr=0",
        ], processes: 2)
      #expect(started.status == 0, "\(started.errors)")
      let file = try SafetensorsFile(path: weights)
      let loaded = try SafetensorsFile(path: Job.checkpoint(again, step: 1))
      for info in file.tensors where !info.name.contains("running") && !info.name.contains("num_b")
      {
        #expect(try file.bytes(info.name) == loaded.bytes(info.name), "\(info.name)")
      }
    }
  }

  @Test func benchPrintsOneLineOfJSON() throws {
    for processes in [nil, 2] as [Int?] {
      let outcome = try Program.run(
        ["bench", "step", "--config", "lenet5-28x28", "--batch-per-rank", "8", "--steps", "5"],
        processes: processes)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let result = try JSON(parsing: outcome.output.trimmingCharacters(in: .whitespacesAndNewlines))
      #expect(result["workload"]?.string == "lenet5-28x28")
      #expect(result["rows_per_rank"]?.int == 8)
      #expect(result["threads_per_rank"]?.int == 1)
      #expect((result["step_ms"]?.double ?? 0) > 0)
      #expect(result["blas_core"]?.string?.isEmpty == false)
      if let processes { #expect(result["ranks"]?.int == processes) }
    }
  }

  @Test(arguments: [
    ["--help"], ["--version"], ["recipes"], ["recipes", "digits"], ["validate", "digits"],
    ["doctor"],
    ["inspect", "digits"], ["train", "--help"], ["bench", "step", "--help"],
  ])
  func theOtherVerbsSucceedOnce(arguments: [String]) throws {
    let alone = try Program.run(arguments)
    #expect(alone.status == 0, "\(alone.errors)")
    #expect(!alone.output.isEmpty)
    let together = try Program.run(arguments, processes: 2)
    #expect(together.status == 0, "\(together.errors)")
    if arguments.first != "doctor" { #expect(together.output == alone.output) }
  }

  private func summary(_ run: String) throws -> JSON {
    try JSON(parsing: String(contentsOfFile: run + "/summary.json", encoding: .utf8))
  }
}
