import DLCluster
import DLConfiguration
import DLCore
import DLData
import DLFormats
import DLLayers
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Metrics that a configuration names: what they leave in a run, and what they choose.
@Suite struct MetricTests {
  private static let named =
    "validate.metrics=[{top_k: {k: 2}}, f1, {recall: {average: per_class}}, confusion_matrix, "
    + "perplexity, roc_auc]"

  @Test func namedMetricsAreInEveryRecord() throws {
    let bench = try Workbench()
    let configuration = try bench.configuration([MetricTests.named])
    let plain = try train(bench.configuration(), bench.options("plain"))[0]
    let run = try train(configuration, bench.options("run"))[0]
    #expect(run.parameters == plain.parameters)
    let last = try #require(run.validations.last)
    #expect(
      last.metrics.map(\.name) == [
        "accuracy", "top_2", "f1", "recall_per_class", "confusion_matrix", "perplexity", "roc_auc",
      ])
    #expect(last.defaults.map(\.name) == ["accuracy"])
    #expect(last.accuracy == plain.validations.last?.accuracy)
    // The loss is the mean of what perplexity is the exponential of.
    #expect(abs((last["perplexity"]?.value ?? 0) - exp(last.loss)) < 1e-9)
    guard case .matrix(let matrix)? = last["confusion_matrix"]?.content,
      case .perClass(let recalls)? = last["recall_per_class"]?.content
    else {
      Issue.record("no matrix")
      return
    }
    #expect(matrix.flatMap { $0 }.reduce(0, +) == 23 && matrix.count == 5)
    let right = matrix.indices.reduce(0) { $0 + matrix[$1][$1] }
    #expect(last.accuracy == Double(right) / 23)
    for (index, row) in matrix.enumerated() {
      #expect(recalls[index] == Double(row[index]) / Double(row.reduce(0, +)))
    }

    let lines = try metrics("\(bench.path)/run").filter { $0["kind"]?.string == "validation" }
    #expect(lines.count == 5)
    #expect(lines.last?["confusion_matrix"]?.array?.count == 5)
    #expect(lines.last?["f1"]?.double == last["f1"]?.value)
    let text = String(
      decoding: try File.contents(of: "\(bench.path)/run/summary.json"), as: UTF8.self)
    let summary = try JSON(parsing: text)
    #expect(summary["last"]?["roc_auc"]?.double == last["roc_auc"]?.value)
    #expect(summary["last"]?["recall_per_class"]?.array?.count == 5)

    let table = try LoadedRun("\(bench.path)/run", choice: .latest)
      .evaluate(data: nil, communicator: SingleRank()).text(columns: nil)
    #expect(table.contains("top_2  ") && table.contains("label  as 0"), "\(table)")
    #expect(table.contains("class  recall_per_class"), "\(table)")
  }

  /// One network measured on 1, 2 and 4 ranks: the same bits of everything that is counted or added
  /// exactly.
  @Test func ranksAgreeToTheBit() throws {
    let bench = try Workbench()
    let configuration = try bench.configuration([MetricTests.named, "validate.batch_size=4"])
    try train(configuration, bench.options("run"))
    let run = try LoadedRun("\(bench.path)/run")
    let alone = try run.evaluate(data: nil, communicator: SingleRank())
    #expect(alone.metrics.count == 7)
    let folder = run.folder
    for ranks in [2, 4] {
      let reports = try ThreadGroup.run(ranks: ranks) { communicator in
        try LoadedRun(folder).evaluate(data: nil, communicator: communicator)
      }
      for report in reports { #expect(report.metrics == alone.metrics, "\(ranks) ranks") }
    }
  }

  @Test(arguments: ["accuracy", "loss", "perplexity", "top_2"])
  func monitorChoosesTheBest(name: String) throws {
    let bench = try Workbench()
    let configuration = try bench.configuration([
      MetricTests.named, "validate.monitor=\(name)", "validate.every_steps=1", "optimizer.lr=0.3",
    ])
    let run = try train(configuration, bench.options("run"))[0]
    let values = run.validations.compactMap { name == "loss" ? $0.loss : $0[name]?.value }
    let best = ["loss", "perplexity"].contains(name) ? values.min() : values.max()
    let first = try #require(
      run.validations.first { report in
        (name == "loss" ? report.loss : report[name]?.value) == best
      })
    let text = String(
      decoding: try File.contents(of: "\(bench.path)/run/summary.json"), as: UTF8.self)
    let summary = try JSON(parsing: text)
    #expect(summary["best"]?["step"]?.int == first.step)
    #expect(summary["best"]?["value"]?.double == best)
    #expect(try LoadedRun("\(bench.path)/run").step == first.step)
  }

  /// Patience and reduce_on_plateau go by it too: a metric that never changes ends the run.
  @Test func patienceGoesByTheMonitor() throws {
    let bench = try Workbench()
    let configuration = try bench.configuration([
      "validate={every_steps: 1, patience: 3, metrics: [{top_k: {k: 5}}], monitor: top_5}",
      "schedule={name: reduce_on_plateau, patience: 0, factor: 0.5}", "optimizer.lr=0.01",
    ])
    let run = try train(configuration, bench.options("run"))[0]
    #expect(run.validations.count == 4 && run.validations.allSatisfy { $0["top_5"]?.value == 1 })
    let rates = try metrics("\(bench.path)/run").compactMap { $0["lr"]?.double }
    #expect(rates == [0.01, 0.01, 0.005, 0.0025])
  }

  @Test(arguments: [
    ("[mae]", "validate.metrics (line 3): mae needs numbers, the model predicts one of 5 classes"),
    ("[{top_k: {k: 6}}]", "top_k names 6 classes, the model predicts one of 5 classes"),
    ("[bleu]", "bleu needs text"),
    ("[accuracy]\n  monitor: f1", "validate.monitor: \"f1\" is none of this job's figures"),
    ("[confusion_matrix]\n  monitor: confusion_matrix", "which are accuracy, loss"),
  ])
  func misfitsAreFoundBeforeTraining(value: String, message: String) throws {
    let bench = try Workbench()
    let yaml = Workbench.yaml.replacing("validate: {every_steps: 4}\n", with: "")
    let text = "validate:\n  every_steps: 4\n  metrics: \(value)\n" + yaml
    let configuration = try Configuration.load(yaml: text, folder: bench.path)
    let error = #expect(throws: RankFailure.self) {
      try train(configuration, bench.options("run"), ranks: 2)
    }
    #expect(error?.exitCode == .usage && "\(error.map { "\($0)" } ?? "")".contains(message))
    #expect("\(error.map { "\($0)" } ?? "")".contains(message), "\(error.map { "\($0)" } ?? "")")
  }

  @Test func wordsThatAreNone() throws {
    let bench = try Workbench()
    for (value, message) in [
      ("[f2]", "unknown metric \"f2\""), ("[f1, {f1: {average: macro}}]", "f1 stands there twice"),
      ("[{top_k: {k: 0}}]", "at least 1"), ("f1", "expected a list"),
    ] {
      let error = #expect(throws: ConfigurationError.self) {
        try bench.configuration(["validate.metrics=\(value)"])
      }
      #expect("\(error.map { "\($0)" } ?? "")".contains(message))
    }
  }

  /// Text of configurations without the new keys is what it was; with them it reads back.
  @Test func canonicalText() throws {
    let bench = try Workbench()
    let plain = try bench.configuration().yaml()
    #expect(plain.contains("  judge: metric\n  views: one\n"))
    #expect(!plain.contains("metrics:") && !plain.contains("monitor: null"))
    let configuration = try bench.configuration([MetricTests.named, "validate.monitor=f1"])
    let again = try Configuration.load(yaml: configuration.yaml(), folder: bench.path)
    #expect(again == configuration && configuration.yaml().contains("monitor: f1"))
  }

  /// What would not fit into memory, or into a line of metrics.jsonl, is refused before a row is seen.
  @Test func limits() throws {
    let scores = MetricSums.scoreLimit
    for (kind, labels) in [
      (PredictionKind.classes(1000), scores / 1000 + 1), (.classes(2), Int.max),
      (.labels(3), scores + 1),
    ] {
      #expect(throws: MetricMisfit.self) {
        try ROCArea().sums(for: MetricTask(kind, labels: labels))
      }
    }
    _ = try ROCArea().sums(for: MetricTask(.labels(3), labels: scores))
    #expect(throws: MetricMisfit.self) {
      try ConfusionMatrix().sums(for: MetricTask(.classes(257), labels: 1))
    }
    var sums = MetricSums(keepsScores: true)
    try sums.keep([Double](repeating: 0, count: scores), label: 0)
    #expect(throws: UsageError.self) { try sums.keep([1], label: 0) }
  }

  @Test func metricsOfAProgram() throws {
    try MetricRegistry.register(Largest.self)
    let bench = try Workbench()
    let run = try train(
      bench.configuration(["validate.metrics=[{largest: {scale: 2}}]", "validate.monitor=largest"]),
      bench.options("run"), ranks: 2)[0]
    #expect(run.validations.allSatisfy { ($0["largest"]?.value ?? 0) > 0 })
  }
}

/// How many rows have their label's output above a bound.
private struct Largest: MetricSpec {
  static let word = "largest"
  var scale = 1
  static var fields: [ConfigurationField<Self>] { [.init("scale", \.scale, "a factor")] }
  func sums(for task: MetricTask) -> MetricSums { MetricSums(counts: 1) }
  func add(_ batch: MetricBatch, to sums: inout MetricSums) throws {
    sums.counts[0] += try batch.scores.labels.count
  }
  func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, Double(scale * sums.counts[0]), higherIsBetter: true)
  }
}
