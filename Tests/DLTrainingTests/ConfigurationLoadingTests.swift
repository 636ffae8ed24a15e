import DLConfiguration
import DLLayers
import DLTensor
import DLTraining
import Foundation
import Testing

private let lenet = """
  name: lenet-mnist
  seed: 1
  data: {train: mnist/train.safetensors, validation: /abs/test.safetensors, normalize: {mean: [0.1307], std: [0.3081]}, augment: [], order: shuffled}
  model: {name: lenet5}
  loss: cross_entropy
  optimizer: {name: sgd, lr: 0.05, momentum: 0.9, weight_decay: 5.0e-4, clip_norm: null}
  schedule: {name: cosine, warmup_epochs: 1}
  batch_size: 128
  accumulate: 1
  epochs: 5
  precision: float32
  virtual_ranks: null
  checkpoint: {every_steps: 500, keep: 3}
  validate: {every_epochs: 1}
  """

private let layered = """
  data: {synthetic: {shape: [28, 28, 1], classes: 10}}
  model:
    layers:
      - {conv2d: {out: 32, kernel: 3, padding: 1}}
      - batch_norm: {}
      - relu
      - {relu: }
      - max_pool2d: {kernel: [2, 3]}
      - residual:
          layers: [{conv2d: {out: 32, kernel: 3, padding: 1, bias: false}}, batch_norm, gelu: {approximate: tanh}]
          shortcut: [{conv2d: {out: 32, kernel: 1}}]
      - global_avg_pool2d
      - flatten
      - {dropout: {p: 0.25}}
      - {linear: {out: 10}}
  """

@Suite struct ConfigurationLoadingTests {
  @Test func readsTheDesignsExample() throws {
    let job = try Configuration.load(yaml: lenet, folder: "/jobs/a")
    #expect(job.name == "lenet-mnist")
    #expect(job.data.train == "/jobs/a/mnist/train.safetensors")
    #expect(job.data.validation == "/abs/test.safetensors")
    #expect(job.data.normalize?.mean == [0.1307])
    #expect(job.optimizer.weightDecay == 5e-4)
    #expect(job.optimizer.clipNorm == nil)
    #expect(job.schedule.name.rawValue == "cosine")
    #expect(job.schedule.warmupEpochs == 1)
    #expect(job.batchSize == 128)
    #expect(job.epochs == 5)
    #expect(job.steps == nil)
    #expect(job.checkpoint.everySteps == 500)
    #expect(job.validate.everyEpochs == 1)
  }

  @Test func fillsDefaults() throws {
    let text = "data: {train: x}\nmodel: {name: lenet5}\n"
    let job = try Configuration.load(yaml: text)
    #expect(job.seed == 1)
    #expect(job.epochs == 1)
    #expect(job.syncBatchNorm)
    #expect(job.data.lastBatch == .keep)
    #expect(job.optimizer.lr == 0.01)
    let adam = try Configuration.load(yaml: text + "optimizer: {name: adamw}")
    #expect(adam.optimizer.lr == 0.001)
    #expect(adam.optimizer.weightDecay == 0.01)
    #expect(throws: ConfigurationError.self) { try Configuration.load(yaml: "") }
    _ = try Configuration.load(yaml: "", supplied: ["data", "model"])
  }

  @Test func readsLayers() throws {
    let layers = try #require(try Configuration.load(yaml: layered).model.layers)
    #expect(
      layers.map(\.word) == [
        "conv2d", "batch_norm", "relu", "relu", "max_pool2d", "residual", "global_avg_pool2d",
        "flatten", "dropout", "linear",
      ])
    let conv = try #require(layers[0].options as? Conv2d.Options)
    #expect(conv.out == 32 && conv.kernel == Size2d(3) && conv.stride == Size2d(1) && conv.bias)
    let pool = try #require(layers[4].options as? MaxPool2d.Options)
    #expect(pool.stride == Size2d(2, 3))
    let residual = try #require(layers[5].options as? Residual.Options)
    #expect(residual.layers.map(\.word) == ["conv2d", "batch_norm", "gelu"])
    #expect((residual.layers[2].options as? GELU.Options)?.approximate == .tanh)
    #expect(residual.shortcut?.count == 1)
    #expect(layers[5].line == 9)
  }

  @Test(arguments: [lenet, layered])
  func roundTrips(_ text: String) throws {
    let job = try Configuration.load(yaml: text, folder: "/jobs/a")
    let written = job.yaml()
    let again = try Configuration.load(yaml: written, folder: "/elsewhere")
    #expect(again == job)
    #expect(again.yaml() == written)
    #expect(again.fingerprint == job.fingerprint)
    let data = try JSONEncoder().encode(job)
    #expect(try JSONDecoder().decode(Configuration.self, from: data) == job)
  }

  @Test(arguments: [
    "", "no", "null", "010", "1e3", "a: b", "#x", " lead", "trail ", "it's \"quoted\"", "tab\there",
    "line\nbreak", "bell\u{7}", "\u{85}\u{2028}\u{FEFF}", "π ✓ 🙂", "- x", "*a", "&a", "{", "~",
    ".inf",
    "back\\slash", "-1", "x,y", "100%", "!tag", "@at", "`tick`",
  ])
  func roundTripsStrings(_ name: String) throws {
    var job = try Configuration.load(yaml: lenet, folder: "/")
    job.name = name
    #expect(try Configuration.load(yaml: job.yaml()).name == name)
    let long = String(repeating: name + "z", count: 60)
    job.name = long
    #expect(try Configuration.load(yaml: job.yaml()).name == long)
  }

  @Test func fingerprintFollowsTheContent() throws {
    let job = try Configuration.load(yaml: lenet)
    let other = try Configuration.load(yaml: lenet, overrides: ["seed=2"])
    #expect(job.fingerprint.count == 16)
    #expect(job.fingerprint != other.fingerprint)
    // Comments, order and spelling of numbers do not count.
    let lines = lenet.split(separator: "\n").reversed().joined(separator: "\n")
    #expect(try Configuration.load(yaml: lines + " # said so").fingerprint == job.fingerprint)
  }

  @Test func jsonKnowsUnknownKeysToo() throws {
    let json = #"{"data": {"train": "x"}, "model": {"name": "m"}, "epoch": 3}"#
    #expect(throws: ConfigurationError.self) {
      try JSONDecoder().decode(Configuration.self, from: Data(json.utf8))
    }
  }

  @Test func schemaIsJSONThatNamesEveryKey() throws {
    let json = try ConfigurationSchema.json()
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    let properties = try #require(object["properties"] as? [String: Any])
    #expect(Set(properties.keys) == Set(Configuration.fields.map(\.key)))
    #expect(object["required"] as? [String] == ["data", "model"])
    let layer = try #require((object["$defs"] as? [String: Any])?["layer"] as? [String: Any])
    #expect((layer["anyOf"] as? [Any])?.count == LayerRegistry.all.count + 1)
    let batch = try #require(properties["batch_size"] as? [String: Any])
    #expect(batch["minimum"] as? Int == 1)
    #expect(batch["default"] as? Int == 32)
  }

  @Test func defaultsKeepToTheirOwnRules() throws {
    func check<Section: ConfigurationSection>(_: Section.Type) throws {
      let keys = Section.fields.map(\.key)
      #expect(Set(keys).count == keys.count)
      #expect(Section.fields.allSatisfy { !$0.doc.isEmpty })
    }
    try check(Configuration.self)
    for word in LayerRegistry.all { try check(word) }
    let words = LayerRegistry.all.map { $0.word }
    #expect(Set(words).count == words.count)
  }

  @Test func overridesEditTheTree() throws {
    let job = try Configuration.load(
      yaml: layered, source: "recipe x", folder: "/recipes",
      overrides: [
        "optimizer.lr=0.1", "optimizer={name: adam, lr: 0.2}", "optimizer.lr=0.3", "name=no",
        "data.validation=v.safetensors", "steps=30", "model.layers.9.linear.out=3",
        "model.layers.2=silu",
      ])
    #expect(job.optimizer.name.rawValue == "adam")
    #expect(job.optimizer.lr == 0.3)
    #expect(job.name == "no")
    #expect(job.steps == 30 && job.epochs == nil)
    let here = FileManager.default.currentDirectoryPath
    #expect(job.data.validation == here + "/v.safetensors")
    #expect((job.model.layers?[9].options as? Linear.Options)?.out == 3)
    #expect(job.model.layers?[2].word == "silu")
  }

  @Test func anOverrideReplacesItsAlternative() throws {
    let job = try Configuration.load(yaml: lenet, overrides: ["steps=7", "model.layers=[flatten]"])
    #expect(job.steps == 7 && job.epochs == nil)
    #expect(job.model.name == nil && job.model.layers?.count == 1)
    #expect(throws: ConfigurationError.self) {
      try Configuration.load(yaml: lenet + "\nsteps: 3")
    }
  }

  @Test(arguments: ["lenet", "mlp", "resnet"])
  func readsTheGoldenJobs(_ name: String) throws {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let job = try Configuration.load(path: tests.path + "/GoldenTests/Golden/\(name).yaml")
    #expect(job.data.train == tests.path + "/GoldenTests/Golden/\(name)-data.safetensors")
    #expect(job.steps == 30 && job.epochs == nil)
  }

  @Test func readsFilesRelativeToTheirFolder() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "job.yaml").path
    try lenet.write(toFile: file, atomically: true, encoding: .utf8)
    let job = try Configuration.load(path: file)
    #expect(job.data.train == folder.path + "/mnist/train.safetensors")
  }
}
