import DLCluster
import DLCore
import DLData
import DLFormats
import DLLayers
import DLTensor
import DLTraining
import Foundation
import Testing

/// Tasks and kinds of data sets that a program adds to those of dltrain.
@Suite struct TaskRegistryTests {
  @Test func tasksOfAProgram() throws {
    TaskRegistry.register(Halving.self)
    let bench = try Workbench()
    let run = try train(
      bench.configuration(["steps=2"]), bench.options("run"),
      model: { input, _ in
        Halved(inner: Sequential(Flatten(), Linear(inputFeatures: input.count, outputFeatures: 5)))
      })[0]
    let plain = try train(
      bench.configuration(["steps=2"]), bench.options("plain"),
      model: { input, _ in
        Whole(inner: Sequential(Flatten(), Linear(inputFeatures: input.count, outputFeatures: 5)))
      })[0]
    // First weights go by the names of parameters, which are the same.
    #expect(run.losses[0] == plain.losses[0] / 2)
    #expect(run.validations.allSatisfy { $0.metrics.map(\.name) == ["labels"] })
    #expect(run.validations.last?["labels"]?.value == 23)
  }

  @Test func dataOfAProgram() throws {
    DataSources.register(CountingSource.self)
    let bench = try Workbench()
    try Data("12\n".utf8).write(to: URL(fileURLWithPath: "\(bench.path)/rows.count"))
    let yaml = """
      data: {train: rows.count}
      model: {layers: [{linear: {out: 2}}]}
      batch_size: 4
      """
    let run = try train(
      Configuration.load(yaml: yaml, folder: bench.path), bench.options("run"), ranks: 2)[0]
    #expect(run.losses.count == 3)
  }
}

/// A network that the other tasks do not take.
private final class Halved: Module, Layer {
  let inner: Sequential
  init(inner: Sequential) { self.inner = inner }
  func forward(_ x: Tensor) throws -> Tensor { try inner(x) }
  func outputShape(for input: Shape) throws -> Shape { try inner.outputShape(for: input) }
}

/// The same network for the task of dltrain.
private final class Whole: Module, Layer {
  let inner: Sequential
  init(inner: Sequential) { self.inner = inner }
  func forward(_ x: Tensor) throws -> Tensor { try inner(x) }
  func outputShape(for input: Shape) throws -> Shape { try inner.outputShape(for: input) }
}

/// Trains on half of the loss, and counts labels alone.
private final class Halving: NetworkTask {
  let network: Halved
  var model: Module { network }

  init(_ network: Halved) { self.network = network }

  static func make(_ network: Module, _ input: TaskInput) -> (any TrainingTask)? {
    (network as? Halved).map { Halving($0) }
  }

  func denominator(_ batch: Batch, phase: Int) throws -> Double { 2 * Double(batch.rows) }
  func lossSum(_ batch: Batch, phase: Int) throws -> Tensor {
    try CrossEntropy().sum(network(batch.x), batch.y)
  }
  func evaluate(_ batch: Batch, into totals: inout ValidationTotals) throws {
    totals.lossSum += try lossSum(batch, phase: 0).scalar
    totals.denominator += try denominator(batch, phase: 0)
    try totals.add(.own(batch.rows, .other("counts"), labels: batch.rows))
  }
  func defaultMetrics(_ kind: PredictionKind) -> [any MetricSpec] { [Labels()] }
}

/// How many labels a task says that there are.
private struct Labels: MetricSpec {
  static let word = "labels"
  func sums(for task: MetricTask) -> MetricSums { MetricSums(counts: 1) }
  func add(_ batch: MetricBatch, to sums: inout MetricSums) {
    if case .own(let value, _, _) = batch { sums.counts[0] += value as? Int ?? 0 }
  }
  func result(_ sums: MetricSums) -> MetricResult {
    MetricResult(name, Double(sums.counts[0]), higherIsBetter: true)
  }
}

/// A text file that says how many rows there are.
private enum CountingSource: DataSource {
  static func open(_ request: DataRequest) throws -> (any Dataset)? {
    guard request.path.hasSuffix(".count") else { return nil }
    let text = String(decoding: try File.contents(of: request.file), as: UTF8.self)
    return try SyntheticDataset(shape: [3], classes: 2, count: Int(text.dropLast()) ?? 0, seed: 1)
  }
}
