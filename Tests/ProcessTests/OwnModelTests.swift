import DLFormats
import DLTestSupport
import Foundation
import Testing

/// A program with a network of its own.
@Suite(.serialized)
struct OwnModelTests {
  private func run(_ arguments: [String], processes: Int? = nil, in folder: String) throws
    -> Outcome
  {
    try Program.startCommand(
      Program.launcher(processes) + [Program.modelProgram] + arguments, in: folder
    ).wait()
  }

  @Test func theCommandThatItPrintsEvaluatesTheRun() throws {
    try TemporaryFolder.with { folder in
      let trained = try run(["--out", "run"], processes: 2, in: folder)
      #expect(trained.status == 0, "\(trained.errors)")
      let lines = trained.output.split(separator: "\n")
      let line = try #require(lines.first { $0.hasPrefix("evaluate ") })
      let command = line.split(separator: " ").dropFirst().map(String.init)
      #expect(command == [Program.modelProgram, "evaluate", "run"])
      let evaluated = try Program.startCommand(command, in: folder).wait()
      #expect(evaluated.status == 0, "\(evaluated.errors)")
      let accuracy = try RunEndJob.summary(folder + "/run")["last"]?["accuracy"]?.double ?? -1
      let correct = Int((accuracy * 360).rounded())
      #expect(evaluated.output.contains("(\(correct) of 360)"), "\(evaluated.output)")
      let together = try run(["evaluate", "run"], processes: 2, in: folder)
      #expect(together.output.contains("(\(correct) of 360)"), "\(together.output)")

      let data = Program.repository + "/Sources/DLData/Resources/digits-validation.safetensors"
      let predicted = try run(["predict", "run", data, "-o", "out.csv"], in: folder)
      #expect(predicted.status == 0, "\(predicted.errors)")
      let rows = try String(contentsOfFile: folder + "/out.csv", encoding: .utf8)
        .split(separator: "\n").dropFirst()
      let labels = try SafetensorsFile(path: data).bytes("y").withUnsafeBytes { raw in
        (0..<360).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self) }
      }
      let right = rows.filter { row in
        let fields = row.split(separator: ",")
        return Int(fields[0]).map { Int32(fields[1]) == labels[$0] } ?? false
      }
      #expect(right.count == correct)

      let exported = try run(["export", "run", "-o", "weights.safetensors"], in: folder)
      #expect(exported.status == 0, "\(exported.errors)")
      let names = try SafetensorsFile(path: folder + "/weights.safetensors").tensors.map(\.name)
      #expect(names.contains("conv.weight") && names.contains("head.bias"), "\(names)")
      let text = try run(["generate", "run"], in: folder)
      #expect(text.status == 64, "\(text.errors)")
      #expect(text.errors.contains("continues no text"), "\(text.errors)")

      // dltrain does not have the network, and says who does.
      let other = try Program.run(["evaluate", "run"], in: folder)
      #expect(other.status == 64, "\(other.errors)")
      #expect(other.faults.count == 1, "\(other.errors)")
      #expect(other.errors.contains("the program that trained it"), "\(other.errors)")
    }
  }

  /// `launch` starts the program itself, again from where it stopped; and names no command of
  /// dltrain's that does not know the network.
  @Test func launchesAndResumes() throws {
    try TemporaryFolder.with { folder in
      let training = ["--", "train", "--out", "run", "--set", "batch_size=120"]
      let stopped = try run(
        ["launch", "-n", "2"] + training + ["--stop-at", "4"], in: folder)
      #expect(stopped.status == 0, "\(stopped.errors)")
      #expect(try !SafetensorsFile(path: Job.checkpoint(folder + "/run", step: 4)).tensors.isEmpty)
      let ended = try run(["launch", "-n", "2"] + training + ["--resume", "auto"], in: folder)
      #expect(ended.status == 0, "\(ended.errors)")
      #expect((ended.output + ended.errors).contains("step 4"), "\(ended.errors)")
      let whole = try run(["--out", "whole", "--set", "batch_size=120"], in: folder)
      #expect(whole.status == 0, "\(whole.errors)")
      // The bits of a run that nothing interrupted.
      let steps = try RunEndJob.summary(folder + "/whole")["last"]?["step"]?.int ?? -1
      #expect(
        try Job.tensors(folder + "/run", step: steps) == Job.tensors(folder + "/whole", step: steps)
      )
      for outcome in [stopped, ended, whole] {
        #expect(!(outcome.output + outcome.errors).contains("dltrain train"))
        #expect(!(outcome.output + outcome.errors).contains("dltrain evaluate"))
      }
      let help = try run(["evaluate", "--help"], in: folder)
      #expect(!help.output.contains("dltrain evaluate"), "\(help.output)")
      let wrong = try run(["launch", "-n", "2", "--", "evaluate", "run"], in: folder)
      #expect(wrong.status == 64 && wrong.errors.contains("\(Program.modelProgram) launch"))
    }
  }

  /// Data of a kind that the program brings, at any number of ranks, to train on and to evaluate on.
  @Test func readsDataOfItsOwn() throws {
    try TemporaryFolder.with { folder in
      for (name, count) in [("train", "160\n"), ("held", "40\n"), ("bad", "some\n")] {
        try count.write(toFile: "\(folder)/\(name).corners", atomically: true, encoding: .utf8)
      }
      let settings = [
        "--set", "data.train=train.corners", "--set", "data.validation=held.corners", "--set",
        "epochs=4", "--set", "batch_size=20", "--set", "virtual_ranks=2",
      ]
      var weights: [[String: [UInt8]]] = []
      for processes in [1, 2] {
        let trained = try run(
          ["--out", "run-\(processes)"] + settings, processes: processes, in: folder)
        #expect(trained.status == 0, "\(trained.errors)")
        weights.append(try Job.tensors("\(folder)/run-\(processes)", step: 32))
      }
      #expect(weights[0] == weights[1])
      let evaluated = try run(["evaluate", "run-1", "--data", "held.corners"], in: folder)
      #expect(evaluated.status == 0, "\(evaluated.errors)")
      #expect(evaluated.output.contains("of 40)"), "\(evaluated.output)")
      let bad = try run(["--set", "data.train=bad.corners", "--out", "bad"], in: folder)
      #expect(bad.status == 65 && bad.faults.count == 1, "\(bad.errors)")
      #expect(bad.errors.contains("expected a number of images"), "\(bad.errors)")
    }
  }

  @Test(arguments: [
    (["evaluate"], "<run>"), (["predict", "run"], "<input>"), (["export", "run"], "-o"),
    (["evaluate", "run", "more"], "more"), (["evaluate", "run", "--tokens", "3"], "--tokens"),
    (["predict", "run", "x", "--views", "seven"], "seven"), (["--ranks"], "--ranks"),
    (["--ranks", "two"], "two"), (["train", "a", "b"], "b"), (["evaluate", "missing"], "missing"),
  ])
  func wrongUsageIsOneLine(arguments: [String], word: String) throws {
    try TemporaryFolder.with { folder in
      let outcome = try run(arguments, in: folder)
      #expect(outcome.status == 64, "\(outcome.errors)")
      #expect(outcome.faults.count == 1, "\(outcome.errors)")
      #expect(outcome.errors.contains(word), "\(outcome.errors)")
    }
  }
}
