import DLFormats
import DLLayers
import DLModels
import DLTestSupport
import Foundation
import Testing

/// `dltrain export` through the real program.
@Suite(.serialized)
struct ExportTests {
  /// The command that compares files; nil where its packages are not there.
  private static let python: String? = {
    let python = ProcessInfo.processInfo.environment["DLTRAIN_PYTHON"] ?? "python3"
    let packages = "import onnx, onnxruntime, torch, safetensors"
    let outcome = try? Program.startCommand([python, "-c", packages], in: nil).wait()
    return outcome?.status == 0 ? python : nil
  }()

  /// Runs `scripts/check-export.py` on folders; a line for each file that deviates.
  private func deviations(_ folders: [String]) throws -> [String] {
    guard let python = ExportTests.python else {
      print(
        "skipped: no python3 with onnx, onnxruntime, torch and safetensors; give DLTRAIN_PYTHON")
      return []
    }
    let script = Program.repository + "/scripts/check-export.py"
    let outcome = try Program.startCommand(
      [python, script] + folders, in: nil, variables: ["OMP_NUM_THREADS": "1"]
    ).wait()
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(outcome.status == 0, "\(outcome.errors.suffix(2000))")
    #expect(lines.count { $0.hasPrefix("ok") } >= folders.count, "\(outcome.errors.suffix(2000))")
    return lines.filter { !$0.hasPrefix("ok") }
  }

  @Test func everyLayerGivesElsewhereWhatItPredicts() throws {
    try TemporaryFolder.with { folder in
      for export in ExportCase.all { try export.write(in: "\(folder)/\(export.name)") }
      let deviating = try deviations(ExportCase.all.map { "\(folder)/\($0.name)" })
      #expect(deviating == [])
    }
  }

  @Test func everyWordHasACase() {
    let words = ExportCase.words(of: ExportCase.all)
    let missing = LayerRegistry.builtIn.map { $0.word }.filter { !words.contains($0) }
    #expect(missing == [], "no job that follows from the options trains; write an ExportCase")
  }

  @Test func registeredModelsGiveElsewhereWhatTheyPredict() throws {
    let isLarge = ProcessInfo.processInfo.environment["DLTRAIN_LARGE_EXPORTS"] != nil
    let models = isLarge ? ExportedModel.large : ExportedModel.all
    try TemporaryFolder.with { folder in
      for export in models { try export.write(in: "\(folder)/\(export.name)") }
      let deviating = try deviations(models.map { "\(folder)/\($0.name)" })
      #expect(deviating == [])
    }
  }

  @Test func partsOfNetworksGiveElsewhereWhatTheyGiveHere() throws {
    try TemporaryFolder.with { folder in
      for part in ExportedPart.all { try part.write(in: "\(folder)/\(part.name)") }
      let deviating = try deviations(ExportedPart.all.map { "\(folder)/\($0.name)" })
      #expect(deviating == [])
    }
  }

  @Test func networksOverGraphsGiveElsewhereWhatTheyGiveHere() throws {
    try TemporaryFolder.with { folder in
      let all = ExportedGiven.graphs
      for network in all { try network.writeGraph(in: "\(folder)/\(network.name)") }
      #expect(try deviations(all.map { "\(folder)/\($0.name)" }) == [])
    }
  }

  @Test func translationsGiveElsewhereWhatTheyGiveHere() throws {
    try TemporaryFolder.with { folder in
      let all = ExportedGiven.texts
      for network in all { try network.writeTexts(in: "\(folder)/\(network.name)") }
      #expect(try deviations(all.map { "\(folder)/\($0.name)" }) == [])
    }
  }

  /// Every registered model has a case, but for word vectors, which are a table.
  @Test func everyModelHasACase() {
    let names = ExportedModel.names(besides: ExportedModel.all)
    let missing = ModelRegistry.builtIn.map { $0.name }.filter { !names.contains($0) }
    #expect(missing == ["word2vec"])
  }

  /// The listings are those that the onnx package gives of the same files:
  /// `scripts/check-export.py --list`; the code is what PyTorch was seen to agree with.
  @Test(arguments: ["lenet", "text"])
  func filesAreAsTheyWereWhenOthersReadThem(_ name: String) throws {
    try TemporaryFolder.with { folder in
      try ExportedModel.golden(name).write(in: folder)
      let model = try ONNXReader(path: folder + "/model.onnx")
      let listing = try String(contentsOfFile: golden("export-\(name).txt"), encoding: .utf8)
      #expect(model.listing == listing)
      let code = golden("export-\(name).py")
      if FileManager.default.fileExists(atPath: code) {
        let written = try String(contentsOfFile: folder + "/model.py", encoding: .utf8)
        #expect(try written == String(contentsOfFile: code, encoding: .utf8))
      }
      // Weights have the names and the bytes of the safetensors file.
      let exported = try Program.run(["export", "run", "-o", "weights.safetensors"], in: folder)
      #expect(exported.status == 0, "\(exported.errors)")
      let weights = try SafetensorsFile(path: folder + "/weights.safetensors")
      let shared = model.tensors.filter { weights[$0.name] != nil }
      #expect(shared.count >= 5)
      for tensor in shared {
        #expect(tensor.shape == weights[tensor.name]?.shape, "\(tensor.name)")
        #expect(try Array(tensor.bytes) == weights.bytes(tensor.name), "\(tensor.name)")
      }
    }
  }

  @Test func theNameTellsTheFormat() throws {
    try TemporaryFolder.with { folder in
      try ExportCase("row", .row, "relu").train(in: folder)
      for (name, first) in [("a.onnx", 0x08), ("a.safetensors", 0), ("weights", 0)] {
        let arguments = ["export", "run", "-o", name]
        let outcome = try Program.run(arguments, processes: name == "a.onnx" ? 2 : nil, in: folder)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
        // A protobuf's first field is the format's version; a safetensors file begins with a length.
        #expect(first == 0 ? bytes[8] == UInt8(ascii: "{") : Int(bytes[0]) == first, "\(name)")
      }
      for (arguments, word) in [
        (["-o", "r.onnx", "--format", "safetensors"], "--format is safetensors"),
        (["-o", "r.safetensors", "--format", "onnx"], "-o NAME.onnx"),
        (["-o", "r.safetensors", "--format", "torch"], "-o NAME.py"),
        (["-o", "r", "--format", "torch"], "-o NAME.py"),
        (["-o", "r.py", "--format", "onnx"], "a name of torch"),
      ] {
        let outcome = try Program.run(["export", "run"] + arguments, in: folder)
        #expect(outcome.status == 64, "\(arguments)")
        #expect(outcome.faults.count == 1 && outcome.errors.contains(word), "\(outcome.errors)")
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/r.onnx"))
      // Weights that no code stands beside are another's; those of earlier code give way.
      let weights = try Data(contentsOf: URL(fileURLWithPath: folder + "/a.safetensors"))
      let taken = try Program.run(["export", "run", "-o", "a.py"], in: folder)
      #expect(taken.status == 64 && taken.errors.contains("a.safetensors"), "\(taken.errors)")
      #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/a.safetensors")) == weights)
      for _ in 0..<2 {
        let code = try Program.run(["export", "run", "-o", "b.py"], in: folder)
        #expect(code.status == 0, "\(code.errors)")
      }
      let nowhere = try Program.run(["export", "run", "-o", "none/r.onnx"], in: folder)
      #expect(nowhere.status == 74, "\(nowhere.errors)")
    }
  }

  @Test func whatHasNoSuchFormSaysWhy() throws {
    try TemporaryFolder.with { folder in
      let own = try Program.startCommand(
        [Program.modelProgram, "--ranks", "1", "--out", "own"], in: folder
      ).wait()
      #expect(own.status == 0, "\(own.errors)")
      for (name, word) in [("a.onnx", "ONNXLayer"), ("a.py", "TorchLayer")] {
        let outcome = try Program.startCommand(
          [Program.modelProgram, "export", "own", "-o", name], in: folder
        ).wait()
        #expect(outcome.status == 64, "\(outcome.errors)")
        #expect(outcome.errors.contains("layer Network cannot be written as"), "\(outcome.errors)")
        #expect(outcome.errors.contains("conform to \(word)"), "\(outcome.errors)")
      }
      // Vectors of words are a table.
      try "a b c a b c a\n".write(
        toFile: folder + "/text.txt", atomically: true, encoding: .utf8)
      let packed = try Program.run(
        ["data", "pack", "text", "text.txt", "--words", "--split", "1", "-o", "text"], in: folder)
      #expect(packed.status == 0, "\(packed.errors)")
      try """
      data: {train: text/train.safetensors, window: 3}
      model: {name: word2vec, size: 4, negatives: 1}
      batch_size: 2
      steps: 1
      """.write(toFile: folder + "/job.yaml", atomically: true, encoding: .utf8)
      let words = try Program.run(
        ["train", "job.yaml", "--ranks", "1", "--out", "words"], in: folder)
      #expect(words.status == 0, "\(words.errors)")
      for name in ["a.onnx", "a.py"] {
        let outcome = try Program.run(["export", "words", "-o", name], in: folder)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains("word2vec cannot be written as"), "\(outcome.errors)")
        #expect(outcome.errors.contains("use --format safetensors"), "\(outcome.errors)")
        #expect(outcome.faults.count == 1, "\(outcome.errors)")
      }
      let vectors = try Program.run(["export", "words", "-o", "a.safetensors"], in: folder)
      #expect(vectors.status == 0, "\(vectors.errors)")
    }
  }
}
