import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

/// The main job and the verbs around a finished run.
@Suite(.serialized)
struct MainJobTests {
  @Test(arguments: [4, 3, 2, nil] as [Int?])
  func digitsReachTheirAccuracy(processes: Int?) throws {
    try TemporaryFolder.with { folder in
      let outcome = try Program.run(
        ["--out", folder + "/run"], processes: processes)
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

  /// `evaluate` prints what the last validation of the run recorded, on another number of ranks.
  @Test func anEvaluationIsTheLastValidation() throws {
    try TemporaryFolder.with { folder in
      let run = folder + "/run"
      let trained = try Program.run(
        ["train", "digits", "--out", run, "--set", "epochs=2"], processes: 2)
      #expect(trained.status == 0, "\(trained.errors)")
      let last = try #require(try Job.records(run, "validation").last)
      let (accuracy, loss) = (
        try last.get("accuracy").number(), try last.get("loss").number()
      )
      for processes in [nil, 3] as [Int?] {
        let outcome = try Program.run(
          ["evaluate", run, "--checkpoint", "latest"], processes: processes)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let cells = Dictionary(
          uniqueKeysWithValues: outcome.output.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            return words.count > 1 ? (words[0], Array(words[1...])) : nil
          })
        let right = Int((accuracy * 360).rounded())
        let percent = String(format: "%.2f%%", 100 * accuracy)
        #expect(cells["accuracy"] == [percent, "(\(right)", "of", "360)"], "\(outcome.output)")
        let printed = try #require(cells["loss"]?.first.flatMap(Double.init))
        // Nine digits are printed; ranks add float32 losses in parts of their own.
        #expect(abs(printed - loss) < 1e-6 * loss, "\(outcome.output)")
      }
    }
  }

  /// The best is of the figure that chose it, under its name: the loss here, beside an accuracy.
  @Test func theSummaryTellsTheBestUnderItsName() throws {
    try TemporaryFolder.with { folder in
      let outcome = try Program.run(
        [
          "train", "digits", "--out", folder + "/run", "--set", "epochs=3", "--set",
          "optimizer.lr=0.4", "--set", "validate.judge=loss",
        ], processes: 2)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let losses = try Job.records(folder + "/run", "validation").compactMap { $0["loss"]?.double }
      let best = String(format: "%.4f", try #require(losses.min()))
      let lines = outcome.output.split(separator: "\n")
      let loss = try #require(lines.first { $0.hasPrefix("validation loss ") })
      #expect(losses.count == 3 && loss.contains(", best \(best) at step "), "\(loss)")
      let accuracy = try #require(lines.first { $0.hasPrefix("validation accuracy ") })
      #expect(accuracy.hasSuffix("%"), "\(accuracy)")
    }
  }

  @Test func aTasksOwnFigureStandsInTheTable() throws {
    try TemporaryFolder.with { folder in
      for (name, text) in [
        ("de", "ein hund läuft .\nein mann schläft .\n"), ("en", "a dog runs .\na man sleeps .\n"),
      ] {
        try text.write(toFile: "\(folder)/train.\(name)", atomically: true, encoding: .utf8)
      }
      let packed = try Program.run(
        ["data", "pack", "parallel", "train.de", "train.en", "--vocabulary", "40", "-o", "pairs"],
        in: folder)
      #expect(packed.status == 0, "\(packed.errors)")
      let outcome = try Program.run(
        [
          "train", "transformer-de-en", "--out", "run", "--set",
          "data.train=pairs/train.safetensors",
          "--set", "data.validation=pairs/train.safetensors", "--set",
          "model={name: transformer, layers: 1, width: 16, heads: 2, feed_forward: 16, beam: 2}",
          "--set", "optimizer={name: adam, lr: 0.02}", "--set", "schedule={}", "--set",
          "average=null", "--set", "validate.every_epochs=40", "--set", "epochs=40",
        ], processes: 2, in: folder)
      #expect(outcome.status == 0, "\(outcome.errors)")
      let bleu = try summary(folder + "/run")["last"]?["bleu"]?.double ?? 0
      #expect(bleu > 1)
      let shown = String(format: "%.4f", bleu)
      let lines = outcome.output.split(separator: "\n")
      let head = try #require(lines.first { $0.contains("val loss") })
      let row = try #require(lines.first { $0.contains(" 40/40 ") })
      #expect(head.split(whereSeparator: \.isWhitespace).contains("bleu"), "\(head)")
      // Right below its name.
      let end = try #require(head.range(of: "bleu")).upperBound
      #expect(row.prefix(head[..<end].count).hasSuffix(" " + shown), "\(row)")
      #expect(lines.contains { $0.hasPrefix("validation bleu ") && $0.contains("\(shown), best ") })
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
