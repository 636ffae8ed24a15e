import DLFormats
import DLTestSupport
import Foundation
import Testing

/// Weights to start from, as a user names them on the command line and in a job: files of
/// scripts/golden/make_pytorch_files.py, and what is none.
@Suite(.serialized)
struct InitialWeightsTests {
  /// The network of the files, with an own head where `outputs` are not theirs.
  private func job(_ folder: String, outputs: Int = 3, _ lines: String = "") throws -> String {
    let path = folder + "/job.yaml"
    try """
    name: start
    data: {synthetic: {shape: [3, 3, 2], classes: \(outputs), rows: 16}}
    model:
      layers:
        - {conv2d: {out: 3, kernel: 2}}
        - batch_norm
        - relu
        - flatten
        - {linear: {out: \(outputs)}}
    optimizer: {name: sgd, lr: 0}
    batch_size: 8
    steps: 1
    \(lines)

    """.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  private func file(_ name: String) -> String { golden(name, of: "GoldenTests") }

  /// The weights of a run of one step at a rate of 0, beside PyTorch's.
  private func expectPlain(
    _ run: String, without missing: Set<String> = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let expected = try SafetensorsFile(path: file("pytorch.safetensors"))
    let weights = try Job.tensors(run, step: 1)
    var compared = 0
    for info in expected.tensors where info.name.hasPrefix("plain/") {
      let name = String(info.name.dropFirst(6))
      guard name.hasSuffix("weight") || name.hasSuffix("bias") else { continue }
      #expect(
        try (weights[name] == expected.bytes(info.name)) != missing.contains(name), "\(name)",
        sourceLocation: sourceLocation)
      compared += 1
    }
    #expect(compared == 6, sourceLocation: sourceLocation)
  }

  @Test(arguments: [1, 2]) func everyFormatIsTaken(processes: Int) throws {
    try TemporaryFolder.with { folder in
      let job = try job(folder)
      for name in [
        "pytorch-plain.pt", "pytorch-wrapped.pt", "pytorch-deflated.pt",
        "pytorch.safetensors.index.json",
      ] {
        let run = "\(folder)/\(name)-run"
        let outcome = try Program.run(
          ["train", job, "--init", file(name), "--out", run], processes: processes)
        #expect(outcome.status == 0, "\(outcome.errors)")
        try expectPlain(run)
        #expect(outcome.errors.contains("without \"module.\"") == name.contains("wrapped"))
      }
    }
  }

  @Test func aJobSaysWhatToTake() throws {
    try TemporaryFolder.with { folder in
      try FileManager.default.copyItem(
        atPath: file("pytorch-plain.pt"), toPath: folder + "/model.pt")
      let job = try job(
        folder, outputs: 5, "init: {from: model.pt, except: [\"4.*\"]}")
      let checked = try Program.run(["validate", job])
      #expect(checked.status == 0, "\(checked.errors)")
      let run = folder + "/run"
      let outcome = try Program.run(["train", job, "--out", run, "--stop-at", "1"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("took 7 of 9 tensors; 4.weight, 4.bias start anew"))
      try expectPlain(run, without: ["4.weight", "4.bias"])
      // The run has its weights: the file is not asked for again.
      try FileManager.default.removeItem(atPath: folder + "/model.pt")
      let resumed = try Program.run([
        "train", job, "--out", run, "--resume", "auto", "--set", "steps=2",
      ])
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(try Job.tensors(run, step: 2)["0.weight"] == Job.tensors(run, step: 1)["0.weight"])
      let anew = try Program.run(["train", job, "--out", folder + "/new"])
      #expect(anew.status == 74 && anew.faults.count == 1, "\(anew.errors)")
      // The command line's file, under the job's other keys.
      let other = try Program.run([
        "train", job, "--out", folder + "/other", "--init", file("pytorch-plain.pt"),
      ])
      #expect(other.status == 0, "\(other.errors)")
      #expect(other.errors.contains("4.weight, 4.bias start anew"))
    }
  }

  /// What the command line names stands in the run's configuration, which trains the same again, also
  /// after a resume that does not repeat it.
  @Test func theRunTellsWhatItStartedFrom() throws {
    try TemporaryFolder.with { folder in
      let job = try job(folder, outputs: 5)
      func train(_ arguments: [String]) throws {
        let outcome = try Program.run(["train"] + arguments)
        #expect(outcome.status == 0, "\(outcome.errors)")
      }
      try train([job, "--out", "\(folder)/run", "--init-partial", file("pytorch-plain.pt")])
      // What the command that goes on names is not what it started from.
      try train([
        job, "--out", "\(folder)/run", "--resume", "auto", "--set", "steps=2", "--init", folder,
      ])
      let text = try String(contentsOfFile: "\(folder)/run/config.yaml", encoding: .utf8)
      #expect(text.contains("pytorch-plain.pt"), "\(text)")
      try train([
        "\(folder)/run/config.yaml", "--out", "\(folder)/again", "--set", "steps=1",
      ])
      try expectPlain("\(folder)/again", without: ["4.weight", "4.bias"])
      #expect(
        try Job.tensors("\(folder)/again", step: 1) == Job.tensors("\(folder)/run", step: 1))
    }
  }

  @Test func whatDoesNotFitIsToldBeforeTraining() throws {
    try TemporaryFolder.with { folder in
      let plain = file("pytorch-plain.pt")
      for (lines, arguments, words) in [
        ("", ["--init", plain], "--set 'init.except=[\"4.*\"]'"),
        (
          "init: {from: \(plain), strict: false}", [],
          "4.weight has shape [3, 12], the model [5, 12]"
        ),
        ("init: {except: [\"4.*\"]}", [], "names no file"),
        ("init: {from: \(plain), except: [\"head.*\"]}", [], "init.except: \"head.*\" matches no"),
        ("init: {from: \(plain), rename: {\"*\": \"a.*.*\"}}", [], "2 stars for 1"),
      ] as [(String, [String], String)] {
        let job = try job(folder, outputs: 5, lines)
        var commands = [["train", job, "--out", folder + "/none"] + arguments]
        if arguments.isEmpty { commands.append(["validate", job]) }
        for command in commands {
          let outcome = try Program.run(command)
          #expect(outcome.status == 64 && outcome.faults.count == 1, "\(outcome.errors)")
          #expect(outcome.errors.contains(words), "\(words) in \(outcome.errors)")
        }
        #expect(!FileManager.default.fileExists(atPath: folder + "/none"))
      }
    }
  }

  /// No command of a file is run; two ranks say so once.
  @Test func nothingOfAFileRuns() throws {
    try TemporaryFolder.with { folder in
      let job = try job(folder)
      for processes in [nil, 2] as [Int?] {
        for (name, words) in [
          ("system", "posix.system"), ("eval", "__builtin__.eval"),
          ("model", "python3 -c"), ("legacy", "python3 -c"), ("overlap", "ZIP bomb"),
          ("lie", "ZIP bomb"), ("depth", "no dictionary of tensors"), ("bomb", "16777217 bytes"),
        ] {
          let outcome = try Program.run(
            ["train", job, "--init", file("pytorch-refused-\(name).pt"), "--out", folder + "/run"],
            processes: processes, in: folder)
          #expect(outcome.status == 65 && outcome.faults.count == 1, "\(outcome.errors)")
          #expect(outcome.errors.contains(words), "\(outcome.errors)")
        }
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/harmed"))
    }
  }

  /// Files of other kinds (scripts/golden/make_file_kinds.py) where weights are due.
  @Test func otherKindsAreNamed() throws {
    let kinds = try SafetensorsFile(path: golden("files.safetensors", of: "DLFormatsTests"))
    try TemporaryFolder.with { folder in
      let job = try job(folder)
      var count = 0
      for info in kinds.tensors where info.name.hasPrefix("kind/") {
        let kind = String(info.name.dropFirst(5).prefix { $0 != "|" })
        // Its first bytes alone are a damaged file of a kind that is taken.
        if ["a safetensors file", "a PyTorch file (.pt)"].contains(kind) { continue }
        let path = folder + "/weights"
        try Data(try kinds.bytes(info.name)).write(to: URL(fileURLWithPath: path))
        let outcome = try Program.run(["inspect", path])
        #expect(outcome.status == 65 && outcome.faults.count == 1, "\(outcome.errors)")
        #expect(outcome.errors.contains("is \(kind), not a"), "\(kind): \(outcome.errors)")
        count += 1
        guard ["packed by xz", "text, perhaps CSV", "NumPy arrays (.npz)"].contains(kind) else {
          continue
        }
        let run = try Program.run(["train", job, "--init", path, "--out", folder + "/run"])
        #expect(run.status == 65 && run.faults.count == 1, "\(run.errors)")
        #expect(run.errors.contains("is \(kind), not a"), "\(kind): \(run.errors)")
      }
      #expect(count > 25)
    }
  }

  @Test func inspectListsAPyTorchFile() throws {
    let (archive, parts) = (
      try Program.run(["inspect", file("pytorch-plain.pt")]),
      try Program.run(["inspect", file("pytorch.safetensors.index.json")])
    )
    for outcome in [archive, parts] {
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.output.contains("9 tensors"))
      #expect(outcome.output.contains("[3, 2, 2, 2]"))
    }
  }
}
