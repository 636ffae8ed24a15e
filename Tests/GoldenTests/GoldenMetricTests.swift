import DLCluster
import DLConfiguration
import DLCore
import DLFormats
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// Metrics against scikit-learn, torchmetrics, sacreBLEU and SciPy, and with equal bits however rows
/// are divided into batches and over ranks.
@Suite struct GoldenMetricTests {
  static func cases() throws -> [JSON] {
    try goldenJSON("metrics.json").get("cases").list()
  }

  @Test(arguments: ["float64", "float32"])
  func equalReferences(precision: String) throws {
    let dtype: DType = precision == "float64" ? .float64 : .float32
    var words: Set<String> = []
    for json in try GoldenMetricTests.cases() {
      let rows = try MetricRows(json)
      let expected = try json.get("expected").list()
      let metrics = try expected.map { try metric($0.get("metric")) }
      words.formUnion(metrics.map { type(of: $0).word })
      let alone = try rows.results(metrics, dtype, ranks: 1, batch: rows.count)[0]
      for (result, want) in compared(alone, expected) {
        try check(result, want.get("value"), tolerance: dtype == .float64 ? 1e-10 : 1e-3, rows.name)
      }
      for (ranks, batch) in [(1, 7), (2, 3), (4, 5), (4, 1)] {
        for results in try rows.results(metrics, dtype, ranks: ranks, batch: batch) {
          for (mine, theirs) in compared(results, alone) {
            let what = "\(rows.name), \(mine.name), \(ranks) ranks, batches of \(batch)"
            // The sums of products that the Frechet distance needs are rounded, and those of the divergence.
            if mine.name == "frechet_distance" || mine.name == "divergence" {
              #expect(abs((mine.value ?? .nan) / (theirs.value ?? 0) - 1) < 1e-10, "\(what)")
            } else {
              #expect(mine == theirs, "\(what)")
            }
          }
        }
      }
    }
    // Their rows are sequences of their own lengths: PaddedLabelTests has them.
    words.formUnion([LabelErrorRate.word, ExactMatch.word])
    #expect(words == Set(MetricRegistry.builtIn.map { $0.word }))
  }

  private func metric(_ json: JSON) throws -> any MetricSpec {
    try JSONDecoder().decode(MetricConfiguration.self, from: Data(json.description.utf8)).metric
  }

  private func check(_ got: MetricResult, _ want: JSON, tolerance: Double, _ name: String) throws {
    let (numbers, expected): ([Double], [Double]) =
      switch got.content {
      case .number, .share: ([got.value ?? .nan], [try want.number()])
      case .perClass(let values): (values, try want.numbers())
      case .matrix(let rows):
        (
          rows.flatMap { $0.map { Double($0) } },
          try want.list().flatMap { try $0.numbers() }
        )
      }
    #expect(
      deviation(numbers, expected) <= tolerance,
      "\(name), \(got.name): \(numbers), expected \(expected)")
  }
}

/// The rows of a case.
private struct MetricRows {
  let name: String
  let json: JSON
  let count: Int

  init(_ json: JSON) throws {
    self.json = json
    name = try json.get("name").text()
    let width = json["width"]?.int ?? 1
    count =
      try json["shape"]?.integers().first ?? json["images"]?.int ?? json["candidates"]?.list().count
      ?? json.get("real").list().count / width
  }

  /// The metrics as each rank has them, from batches of so many rows that ranks take in turn.
  func results(_ metrics: [any MetricSpec], _ type: DType, ranks: Int, batch: Int) throws
    -> [[MetricResult]]
  {
    try ThreadGroup.run(ranks: ranks) { communicator in
      let context = Context(communicator: communicator, precision: type, seed: 1)
      let whole = try rows(0..<count, context)
      var set = try MetricSet(
        metrics, ValidateConfiguration(), for: MetricTask(whole.kind, labels: whole.labelCount))
      for start in stride(from: 0, to: count, by: batch)
      where (start / batch) % ranks == communicator.rank {
        try set.add(rows(start..<min(start + batch, count), context))
      }
      try set.reduce(over: communicator)
      return set.defaults
    }
  }

  private func rows(_ range: Range<Int>, _ context: Context) throws -> MetricBatch {
    func part(_ key: String) throws -> [JSON] {
      let all = try json.get(key).list()
      let width = all.count / count
      return Array(all[range.lowerBound * width..<range.upperBound * width])
    }
    if let width = json["width"]?.int {
      return .generated(
        GeneratedBatch(
          rows: range.count,
          divergence: try part("divergence").reduce(0) { try $0 + $1.number() },
          real: try part("real").map { try $0.number() },
          generated: try part("generated").map { try $0.number() }, width: width))
    }
    if let classes = json["object_classes"]?.int {
      func objects(_ key: String) throws -> [[Detection]] {
        let all = try json.get(key).list().map { try $0.numbers() }
        return range.map { image in
          all.filter { Int($0[0]) == image }.map { row in
            let edges = Array(row.suffix(4))
            return Detection(
              label: Int(row[1]), score: row.count > 6 ? row[2] : 1,
              box: Box(left: edges[0], top: edges[1], right: edges[2], bottom: edges[3]))
          }
        }
      }
      return .objects(found: try objects("found"), wanted: try objects("wanted"), classes: classes)
    }
    if json["candidates"] != nil {
      return .texts(
        candidates: try part("candidates").map { try $0.text() },
        references: try part("references").map { try $0.text() })
    }
    func shape(_ key: String) throws -> Shape {
      Shape([range.count] + (try json.get(key).integers().dropFirst()))
    }
    let outputs = try Tensor.values(
      part("outputs").map { try $0.number() }, shape: shape("shape"), context: context)
    let values = try part("labels").map { try $0.number() }
    let labels =
      json["classes"] == .bool(true)
      ? try Tensor.labels(values.map { Int32($0) }, shape: shape("label_shape"), context: context)
      : try Tensor.values(values, shape: shape("label_shape"), context: context)
    let word = try json.get("loss").text()
    let options = json["ignored"]?.int.map { "{\"ignore_index\": \($0)}" } ?? "{}"
    let loss = try JSONDecoder().decode(
      LossConfiguration.self, from: Data("{\"\(word)\": \(options)}".utf8)
    ).loss
    return .scores(ScoreBatch(outputs, labels: labels, loss: loss))
  }
}
