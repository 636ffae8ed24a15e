import DLConfiguration
import DLCluster
import DLTraining
import Foundation
import Testing

private let base = "data: {train: x}\nmodel: {name: lenet5}\n"

/// The lines of the error that a text leads to; empty where it loads.
private func faults(_ yaml: String, _ overrides: [String] = []) -> [String] {
  do throws(ConfigurationError) {
    _ = try Configuration.load(yaml: yaml, source: "job.yaml", overrides: overrides)
    return []
  } catch {
    return error.lines
  }
}

@Suite struct ConfigurationFaultTests {
  @Test func reportsAllFaultsAtOnceWithTheirPlaces() {
    let text = """
      data: {train: x, ordr: shuffled}
      model:
        layers:
          - {conv2d: {out: 0, kernal: 3}}
          - relo
      batch_size: 0
      optimizer:
        lrr: 0.1
        lr: fast
        momentum: 1
      precision: float16
      loss: crossentropy
      """
    #expect(
      faults(text) == [
        "job.yaml:1:18: data.ordr: unknown key, did you mean order?",
        "job.yaml:4:22: model.layers.0.conv2d.out: expected an integer of at least 1 and at most 1048576, found 0",
        "job.yaml:4:25: model.layers.0.conv2d.kernal: unknown key, did you mean kernel?",
        "job.yaml:4:16: model.layers.0.conv2d.kernel: missing: kernel size, one integer or [height, width]",
        "job.yaml:5:7: model.layers.1: unknown layer \"relo\", did you mean relu?",
        "job.yaml:6:13: batch_size: expected an integer of at least 1 and at most 2147483647, found 0",
        "job.yaml:8:3: optimizer.lrr: unknown key, did you mean lr?",
        "job.yaml:9:7: optimizer.lr: expected a finite number of at least 0, found the string \"fast\"",
        "job.yaml:10:13: optimizer.momentum: expected a finite number of at least 0 and less than 1, found 1",
        "job.yaml:11:12: precision: unknown word \"float16\", did you mean bfloat16?",
        "job.yaml:12:7: loss: unknown loss \"crossentropy\", did you mean cross_entropy?",
      ])
  }

  @Test func scalarsFollowTheCoreSchema() throws {
    for word in ["no", "yes", "on", "off", "y", "2001-01-01", "1_000", "0b1", "12:30", "'5'", "<<"]
    {
      let job = try Configuration.load(yaml: base + "name: \(word)")
      #expect(job.name == word.replacing("'", with: ""))
      #expect(faults(base + "sync_batch_norm: \(word)").count == 1, "\(word)")
      #expect(faults(base + "batch_size: \(word)").count == 1, "\(word)")
    }
    for (word, value) in [("True", true), ("FALSE", false), ("true", true)] {
      #expect(
        try Configuration.load(yaml: base + "sync_batch_norm: \(word)").syncBatchNorm == value)
      #expect(faults(base + "name: \(word)").count == 1)
    }
    for (word, value) in [("010", 10), ("0o10", 8), ("0x1F", 31), ("+7", 7), ("0xff", 255)] {
      #expect(try Configuration.load(yaml: base + "batch_size: \(word)").batchSize == value)
    }
    for (word, value) in [
      ("1", 1.0), (".5", 0.5), ("1.", 1), ("1.e-1", 0.1), ("5e-05", 5e-5), ("+.5E+0", 0.5),
    ] {
      #expect(try Configuration.load(yaml: base + "optimizer: {lr: \(word)}").optimizer.lr == value)
    }
    for word in [
      ".inf", "-.inf", ".nan", "1e999", "-1", "null", "~", "", "0x1p3", "infinity", "nan",
    ] {
      #expect(faults(base + "optimizer: {lr: \(word)}").count == 1, "\(word)")
    }
    for word in ["0x", "0xg", "1.5", "3.0", "99999999999999999999", "0x-1", "-0x1", "3000000000"] {
      #expect(faults(base + "batch_size: \(word)").count == 1, "\(word)")
    }
    #expect(try Configuration.load(yaml: base + "seed: 9223372036854775807").seed == 1 << 63 - 1)
    #expect(faults(base + "seed: 9223372036854775808").count == 1)
    #expect(faults(base + "seed: -1").count == 1)
  }

  @Test(arguments: [
    ("a: 1\na: 2", "duplicate key a"), ("a:\n\t- 1", "tabs"), ("- a\n- b", "expected a mapping"),
    ("just words", "expected a mapping"), ("", "data: missing"),
    ("--- {}\n--- {}", "another document"),
    ("{a: [1", "not YAML"), ("a: *b", "undefined alias"), ("? [1, 2]\n: 3", "a key must be"),
    ("a: \"\\ud800\"", "not YAML"), ("a: \u{0}", "not YAML"), ("a: b: c", "not YAML"),
    ("%YAML 3.0\n---\na: 1", "not YAML"),
  ])
  func badTextIsAnError(_ text: String, _ expected: String) {
    let lines = faults(text)
    #expect(lines.contains { $0.contains(expected) }, "\(lines)")
    #expect(lines.allSatisfy { !$0.contains("\n") && $0.hasPrefix("job.yaml") })
  }

  @Test func hostileTextEndsInAnError() {
    var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let uses = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      bomb += "a\(level): &a\(level) [\(uses)]\n"
    }
    #expect(!faults(bomb).isEmpty)
    #expect(!faults(bomb + "? *a9\n: 1").isEmpty)
    #expect(!faults(String(repeating: "[", count: 500_000)).isEmpty)
    #expect(!faults(String(repeating: "{a: ", count: 200_000)).isEmpty)
    #expect(!faults(String(repeating: "- ", count: 400_000)).isEmpty)
    #expect(!faults(String(repeating: "? ", count: 400_000)).isEmpty)
    let nested = (0..<300).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
    #expect(faults(nested).first?.contains("levels deep") == true)
    #expect(!faults(String(repeating: "x", count: 2_000_000)).isEmpty)
    #expect(!faults("[" + String(repeating: "1,", count: 400_000) + "1]").isEmpty)
    #expect(!faults(String(repeating: "k", count: 100_000) + ": 1").isEmpty)
  }

  @Test func aFewAliasesAreFine() throws {
    let text = """
      data: {train: x}
      model:
        layers:
          - residual: &block {layers: [{linear: {out: 8}}, relu]}
          - residual: *block
      """
    #expect(try Configuration.load(yaml: text).model.layers?.count == 2)
  }

  @Test(arguments: [
    ("optimizer.lrr=1", "set optimizer.lrr: unknown key, did you mean lr?"),
    ("optimzer.lr=1", "set optimzer: unknown key, did you mean optimizer?"),
    ("batch_size=0", "set batch_size: expected an integer of at least 1"),
    ("seed", "set seed: expected KEY=VALUE"), ("=1", "expected KEY=VALUE"),
    ("a..b=1", "set a..b: a key of the path is empty"),
    ("optimizer.lr={", "set optimizer.lr: not YAML"),
    ("optimizer.lr.x.y=1", "set optimizer.lr"),
    ("data.augment.0=flip", "set data.augment.0: \"0\" is not an index"),
    (
      "data.augment=[flop]",
      "set data.augment.0: unknown augmentation \"flop\", did you mean flip?"
    ),
    ("model.layers=[{conv: {}}]", "set model.layers.0: unknown layer \"conv\", did you mean"),
    ("accumulate=64", "accumulate: 64 micro-batches of a batch of 32 rows"),
    ("name=5", "set name: expected a string, found 5"),
  ])
  func badOverridesNameThemselves(_ override: String, _ expected: String) {
    let text = "data: {train: x, augment: []}\nmodel: {name: lenet5}\noptimizer: {lr: 1}"
    let lines = faults(text, [override])
    #expect(lines.contains { $0.contains(expected) }, "\(lines)")
  }

  @Test(arguments: [
    "epochs: 1\nsteps: 2", "shares: [0, 0]", "shares: [1, -1]", "shares: [1, 1]\nvirtual_ranks: 3",
    "optimizer: {nesterov: true}", "optimizer: {name: adam, momentum: 0.9}",
    "optimizer: {betas: [0.9]}",
    "schedule: {name: step}", "schedule: {name: step, step_size: 1, step_epochs: 1}",
    "schedule: {step_size: 3}", "schedule: {warmup_steps: 3, warmup_epochs: 1}", "optimizer: sgd",
    "checkpoint: {keep: 0}", "validate: {batch_size: 0}", "virtual_ranks: 0", "non_finite: ignore",
    "watchdog: {warn_seconds: 9, abort_seconds: 8}", "watchdog: {heartbeat_seconds: 0}",
  ])
  func inconsistentKeysAreFaults(_ text: String) {
    #expect(faults(base + text).count == 1)
  }

  @Test(arguments: [
    "{synthetic: {shape: [], classes: 2}}", "{synthetic: {shape: [1000000, 1000000], classes: 2}}",
    "{}", "{train: x, synthetic: {shape: [2], classes: 2}}", "{train: ''}", "{train: 5}", "[]",
    "null",
    "{train: x, normalize: {mean: [1], std: [1, 2]}}",
    "{train: x, normalize: {mean: [1], std: [0]}}",
    "{train: x, normalize: {mean: [1]}}", "{train: x, augment: [{flip: {p: 2}}]}",
    "{train: x, augment: flip}", "{train: x, repeats: 2}",
    "{train: x, augment: [flip], repeats: 0}",
  ])
  func badDataIsAFault(_ data: String) {
    #expect(faults("model: {name: lenet5}\ndata: \(data)").count == 1)
  }

  @Test(arguments: [
    "{}", "{name: m, layers: [relu]}", "{layers: []}", "{layers: [{}]}",
    "{layers: [{relu: {}, tanh: {}}]}",
    "{layers: [{relu: {x: 1}}]}", "{layers: [{dropout: {p: 1}}]}", "{layers: [{residual: {}}]}",
    "{layers: [{residual: {layers: []}}]}", "{layers: [{linear: 5}]}", "{layers: [3]}",
    "{layers: relu}",
    "{layers: [{max_pool2d: {kernel: 2, padding: 2}}]}",
    "{layers: [{conv2d: {out: 1, kernel: [1, 2, 3]}}]}",
  ])
  func badModelsAreFaults(_ model: String) {
    #expect(faults("data: {train: x}\nmodel: \(model)").count == 1)
  }

  @Test func unreadableFilesAreErrors() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func lines(_ path: String) -> [String] {
      do throws(ConfigurationError) {
        _ = try Configuration.load(path: path)
        return []
      } catch {
        #expect(error.exitCode == .usage)
        return error.lines
      }
    }
    let file = folder.appending(path: "a.yaml")
    #expect(lines(file.path).first?.contains("No such file") == true)
    #expect(lines(folder.path).first?.contains("not a regular file") == true)
    #expect(lines("/dev/zero").first?.contains("not a regular file") == true)
    try Data([0x61, 0x3A, 0x0A, 0x62, 0xFF, 0xFE]).write(to: file)
    #expect(lines(file.path).first?.contains("a.yaml:2:1: not UTF-8") == true)
    try Data(count: 3 << 20).write(to: file)
    #expect(lines(file.path).first?.contains("larger than 1 MiB") == true)
    try Data().write(to: file)
    #expect(lines(file.path).count == 2)
  }
}
