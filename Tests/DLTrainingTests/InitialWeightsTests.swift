import DLCluster
import DLCore
import DLFormats
import DLLayers
import DLReports
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// `--init`: weights by PyTorch's names and layouts, from a checkpoint or from elsewhere.
@Suite struct InitialWeightsTests {
  @Test(arguments: ["float32", "float64"])
  func roundTripKeepsEveryBit(precision: String) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(["steps=3", "precision=\(precision)"])
    let trained = try train(configuration, bench.options("run"))[0]
    let path = bench.checkpoint("run", step: 3)
    for ranks in [1, 2] {
      let loaded = try train(
        configuration, bench.options("loaded-\(ranks)") { $0.initialWeights = path }, ranks: ranks,
        steps: false)
      for rank in loaded {
        #expect(rank.parameters == trained.parameters && rank.buffers == trained.buffers)
      }
    }
  }

  /// A bit of a weight, in a file whose header is sound.
  @Test(arguments: [1, 2])
  func aDamagedCheckpointIsNotStartedFrom(ranks: Int) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(["steps=2"])
    try train(configuration, bench.options("run"))
    let path = bench.checkpoint("run", step: 2)
    var bytes = try File.contents(of: path)
    bytes[try SafetensorsFile(path: path).info("0.weight").bytes.lowerBound] ^= 16
    let damaged = bench.path + "/damaged.safetensors"
    try File.replace(damaged) { file in try bytes.withUnsafeBytes { try file.write($0) } }
    for isPart in [false, true] {
      let error = refusal {
        try train(
          configuration,
          bench.options("from-\(isPart)") {
            $0.initialWeights = damaged
            $0.takesPartOfWeights = isPart
          }, ranks: ranks)
      }
      #expect(error.contains("tensor 0.weight fails its checksum"), "\(error)")
    }
  }

  /// Where a run has a mean of its weights, what its validations were of is what others start from.
  @Test func aMeanIsStartedFrom() throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(["steps=4", "average={name: ema, decay: 0.7}"])
    try train(configuration, bench.options("run"))
    let exported = bench.path + "/exported.safetensors"
    try LoadedRun(bench.path + "/run").export(to: exported)
    func started(_ name: String, _ path: String) throws -> [UInt8] {
      try train(
        bench.configuration(["steps=1", "optimizer={name: sgd, lr: 1.0e-300}"]),
        bench.options(name) { $0.initialWeights = path }, steps: false)[0].parameters
    }
    let wanted = try started("wanted", exported)
    #expect(try started("folder", bench.path + "/run") == wanted)
    #expect(try started("file", bench.checkpoint("run", step: 4)) == wanted)
    let raw = try tensors(bench.checkpoint("run", step: 4))
    #expect(raw["0.weight"] != raw["average.0.weight"])
  }

  /// Of a run folder the weights are those of the best validation, which is not the last.
  @Test(arguments: [1, 2])
  func aRunFolderStandsForItsBestCheckpoint(ranks: Int) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration([
      "steps=4", "optimizer.lr=5", "validate.every_steps=1", "checkpoint.every_steps=1",
    ])
    try train(configuration, bench.options("run"))
    let best = try LoadedRun(bench.path + "/run")
    try #require(best.step < 4)
    let loaded = try ["run", "run/"].map { folder in
      try train(
        configuration,
        bench.options("from-\(folder.count)") {
          $0.initialWeights = bench.path + "/" + folder
        }, ranks: ranks, steps: false)[0]
    }
    let wanted = try train(
      configuration, bench.options("wanted") { $0.initialWeights = best.checkpoint }, steps: false)
    for run in loaded {
      #expect(run.parameters == wanted[0].parameters && run.buffers == wanted[0].buffers)
    }
    let checked = try bench.configuration(["init.from=\(bench.path)/run"])
    _ = try ModelReport(checked)
    try File.remove(best.checkpoint)
    let newest = try LoadedRun(bench.path + "/run")
    #expect(newest.step == 4)
    try File.makeFolder(bench.path + "/empty")
    let error = refusal {
      try train(
        configuration, bench.options("none") { $0.initialWeights = bench.path + "/empty" },
        ranks: ranks)
    }
    #expect(error.contains("empty: a folder without checkpoints"), "\(error)")
  }

  /// A trained encoder goes on below a new head; a file that has nothing of the model is refused.
  @Test func aNewHeadStartsAnew() throws {
    let bench = try Workbench()
    let whole = try bench.configuration(["steps=3"])
    try train(whole, bench.options("run"))
    let path = bench.checkpoint("run", step: 3)
    let other = try Configuration.load(
      yaml: Workbench.yaml.replacing("{linear: {out: 5}}", with: "{linear: {out: 9}}"),
      folder: bench.path, overrides: ["steps=0", "data.classes=9"])
    let taken = try train(
      other,
      bench.options("taken") {
        $0.initialWeights = path
        $0.takesPartOfWeights = true
      })[0]
    let (before, after) = try (tensors(path), tensors(bench.checkpoint("taken", step: 0)))
    #expect(before["0.weight"] == after["0.weight"] && before["8.bias"] == after["8.bias"])
    #expect(after["12.bias"]?.count == 72 && before["12.bias"]?.count == 40)
    let note = try #require(taken.notices.first { $0.contains("tensors") })
    #expect(note.hasSuffix("12.weight, 12.bias start anew"), "\(note)")
    #expect {
      try train(
        bench.configuration(["model.layers=[flatten, {linear: {out: 5}}]"]),
        bench.options("none") {
          $0.initialWeights = path
          $0.takesPartOfWeights = true
        })
    } throws: { "\($0)".contains("0.weight") && "\($0)".contains("no weight of it fits the model") }
  }

  @Test func namesAndLayoutsArePyTorchs() throws {
    let bench = try Workbench()
    try train(try bench.configuration(["steps=1"]), bench.options("run"))
    let file = try SafetensorsFile(path: bench.checkpoint("run", step: 1))
    let shapes = Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.shape) })
    for (name, shape) in [
      ("0.weight", [6, 2, 3, 3]), ("1.weight", [6]), ("1.running_mean", [6]),
      ("1.running_var", [6]),
      ("1.num_batches_tracked", []), ("3.layers.3.weight", [6, 6, 3, 1]),
      ("5.shortcut.0.weight", [8, 6, 1, 1]), ("5.shortcut.0.bias", [8]),
      ("8.weight", [12, 8 * 4 * 4]),
      ("12.bias", [5]), ("optimizer.momentum_buffer.0.weight", [6, 2, 3, 3]),
    ] { #expect(shapes[name] == shape, "\(name)") }
    #expect(file["1.num_batches_tracked"]?.dtype == .int64)
  }

  @Test func differencesAreNamed() throws {
    let bench = try Workbench()
    let job = ["steps=1", "model.layers=[{flatten: {}}, {linear: {out: 5}}, {batch_norm: {}}]"]
    let configuration = try bench.configuration(job)
    try train(configuration, bench.options("run"))
    let good = try SafetensorsFile(path: bench.checkpoint("run", step: 1))
    func expect(_ message: String, _ change: (inout [String: SafetensorsInfo]) -> Void) throws {
      var infos = Dictionary(
        uniqueKeysWithValues: good.tensors.filter { !$0.name.hasPrefix("optimizer.") }.map {
          ($0.name, $0)
        })
      change(&infos)
      let path = bench.path + "/weights.safetensors"
      try SafetensorsWriter.write(
        infos.sorted { $0.key < $1.key }.map { name, info in
          SafetensorsTensor(name: name, dtype: info.dtype, shape: info.shape) { sink in
            try good.bytes(info.name).withUnsafeBytes { try sink($0) }
          }
        }, to: path)
      for ranks in [1, 3] {
        #expect {
          try train(
            configuration, bench.options("new") { $0.initialWeights = path }, ranks: ranks)
        } throws: {
          guard let failure = $0 as? RankFailure else { return false }
          if !failure.message.contains(message) { Issue.record("\(failure.message)") }
          return failure.exitCode == .usage && failure.message.contains(path)
            && failure.message.contains(message)
        }
      }
    }
    try expect("1.bias is missing") { $0["1.bias"] = nil }
    try expect("2.running_var is missing") { $0["2.running_var"] = nil }
    try expect("2.weights is not in the model") { $0["2.weights"] = $0["2.weight"] }
    try expect("1.bias has shape [5, 112], the model [5]") { $0["1.bias"] = $0["1.weight"] }
    try expect("2.num_batches_tracked has shape [5], the model []") {
      $0["2.num_batches_tracked"] = $0["2.bias"]
    }
    #expect(throws: RankFailure.self) {
      try train(
        configuration, bench.options("new") { $0.initialWeights = bench.path + "/nothing" })
    }
  }

  /// A module that stands in two places has one memory and two names, as in PyTorch's state_dict.
  @Test func tiesHaveBothNames() throws {
    let bench = try Workbench()
    let configuration = try bench.configuration(["steps=2"])
    let model: ModelFactory = { input, classes in
      let shared = Linear(inputFeatures: 16, outputFeatures: 16)
      let norm = BatchNorm(features: 16)
      return Sequential(
        Flatten(), Linear(inputFeatures: input.count, outputFeatures: 16), shared, norm, ReLU(),
        shared, norm,
        Linear(inputFeatures: 16, outputFeatures: classes ?? 1))
    }
    let trained = try train(configuration, bench.options("run"), model: model)[0]
    let path = bench.checkpoint("run", step: 2)
    let saved = try tensors(path)
    for (first, second) in [
      ("2.weight", "5.weight"), ("2.bias", "5.bias"), ("3.weight", "6.weight"),
      ("3.running_mean", "6.running_mean"), ("3.num_batches_tracked", "6.num_batches_tracked"),
    ] { #expect(saved[first] != nil && saved[first] == saved[second], "\(first)") }
    #expect(saved["optimizer.momentum_buffer.2.weight"] != nil)
    #expect(saved["optimizer.momentum_buffer.5.weight"] == nil)
    let loaded = try train(
      configuration, bench.options("loaded") { $0.initialWeights = path }, steps: false,
      model: model)[0]
    #expect(loaded.parameters == trained.parameters && loaded.buffers == trained.buffers)
  }
}
