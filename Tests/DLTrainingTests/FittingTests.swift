import DLCluster
import DLConfiguration
import DLCore
import DLFormats
import DLInference
import DLTestSupport
import DLTraining
import Foundation
import Testing

/// What comes from sums over the training rows: normalization by itself, and the Gaussian classifier.
@Suite struct FittingTests {
  /// The rows of a file as the network gets them but for normalization, with their classes.
  static func rows(_ bench: Workbench, _ name: String = "train") throws -> (
    x: [[Double]], y: [Int]
  ) {
    let file = try SafetensorsFile(path: "\(bench.path)/\(name).safetensors")
    let info = try file.info("x")
    let bytes = try file.bytes("x")
    let all =
      info.dtype == .uint8
      ? bytes.map { Double($0) / 255 } : values(bytes, as: Float.self).map { Double($0) }
    let width = all.count / info.shape[0]
    let y = values(try file.bytes("y"), as: Int32.self).map { Int($0) }
    return ((0..<info.shape[0]).map { Array(all[$0 * width..<($0 + 1) * width]) }, y)
  }

  private static let chain = [
    "model={layers: [flatten, {linear: {out: 5}}]}", "steps=2", "data.normalize=auto",
  ]

  /// The normalization that a run has written into its configuration.
  private static func found(_ bench: Workbench, _ folder: String) throws -> NormalizeConfiguration {
    let path = "\(bench.path)/\(folder)/config.yaml"
    return try #require(try Configuration.load(path: path).data.normalize)
  }

  @Test func bytesHaveTheMeanOfTheFileOnAnyRanks() throws {
    let bench = try Workbench()
    for ranks in [1, 2, 3] {
      try train(
        bench.configuration(Self.chain), bench.options("\(ranks)"), ranks: ranks)
      let normalize = try Self.found(bench, "\(ranks)")
      #expect(!normalize.isAutomatic && normalize.mean.count == 2)
      let rows = try Self.rows(bench).x
      for channel in 0..<2 {
        var values: [Double] = []
        for row in rows {
          for index in stride(from: channel, to: row.count, by: 2) { values.append(row[index]) }
        }
        let mean = values.reduce(0, +) / Double(values.count)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        let deviation = (squares / Double(values.count)).squareRoot()
        #expect(abs(normalize.mean[channel] - mean) < 1e-12)
        #expect(abs(normalize.std[channel] - deviation) < 1e-12)
      }
      #expect(try Self.found(bench, "1") == normalize, "\(ranks) ranks")
    }
  }

  @Test func aConstantFeatureKeepsItsScale() throws {
    let bench = try Workbench()
    var values: [Float] = []
    for row in 0..<40 {
      values.append(Float(row) * 0.1 - 3)
      values.append(0.1)
      values.append(1e8 + Float(row % 3) * 64)
    }
    try bench.writeTable(
      values, labels: [Int32](repeating: 0, count: 20) + [Int32](repeating: 1, count: 20))
    let job = [
      "data.train=\(bench.path)/table.safetensors", "data.validation=null", "data.normalize=auto",
      "model={layers: [{linear: {out: 2}}]}", "steps=1",
    ]
    for ranks in [1, 3] {
      try train(bench.configuration(job), bench.options("t\(ranks)"), ranks: ranks)
    }
    let normalize = try Self.found(bench, "t1")
    #expect(try Self.found(bench, "t3") == normalize)
    #expect(normalize.std[1] == 1 && abs(normalize.mean[1] - Double(Float(0.1))) < 1e-12)
    #expect(abs(normalize.std[0] - 1.1543396380615195) < 1e-6, "\(normalize)")
    #expect(abs(normalize.std[2] - 52.556) < 0.1, "\(normalize)")
  }

  @Test func foldsAreNormalizedByWhatTheyTrainOn() throws {
    let bench = try Workbench()
    let job = Self.chain + ["data.folds={count: 5, fold: 1}"]
    try train(bench.configuration(job), bench.options("fold"), ranks: 2)
    try train(bench.configuration(Self.chain), bench.options("whole"), ranks: 2)
    #expect(try Self.found(bench, "fold") != Self.found(bench, "whole"))
  }

  @Test func wrongWordsAreFaults() throws {
    let bench = try Workbench()
    #expect(throws: ConfigurationError.self) {
      try bench.configuration(["data.normalize=automatic"])
    }
    #expect(throws: ConfigurationError.self) {
      try bench.configuration(["data.folds={count: 3, fold: 3}"])
    }
    #expect(throws: ConfigurationError.self) {
      try Configuration.load(
        yaml: Workbench.yaml.replacing("seed: 3", with: "seed: 3").replacing(
          "  normalize:", with: "  folds: {count: 3}\n  normalize:"))
    }
  }

  @Test func foldsAreValidatedOnceEach() throws {
    let bench = try Workbench()
    let job = ["model={layers: [flatten, {linear: {out: 5}}]}", "steps=4"]
    var rows = 0
    for fold in 0..<3 {
      let folds = job + ["data.folds={count: 3, fold: \(fold)}"]
      let alone = try train(bench.configuration(folds), bench.options("one\(fold)"))[0]
      let three = try train(bench.configuration(folds), bench.options("three\(fold)"), ranks: 3)[0]
      #expect(alone.validations.last?.loss != nil)
      #expect(alone.validations.last?.accuracy == three.validations.last?.accuracy)
      #expect(deviation(alone.state, three.state) < 1e-10)
      rows += alone.validations.last?.rows ?? 0
      // The held-out rows are those that evaluate and attack go through, analyze takes the others.
      let run = try LoadedRun("\(bench.path)/one\(fold)", choice: .latest)
      let report = try run.evaluate(data: nil, communicator: SingleRank())
      #expect(report.rows == alone.validations.last?.rows)
      #expect(report.accuracy == alone.validations.last?.accuracy)
      let attacked = try AttackReport(
        run, AttackRequest(FastGradientSign.self, norm: .linf), communicator: SingleRank())
      #expect(attacked.rows == report.rows && attacked.rightBefore == report.correct)
      let surface = try LossSurface(run, data: nil, rows: nil, communicator: SingleRank())
      #expect(surface.rowsOfData == 70 - report.rows)
      let comparison = try DataComparison.make(
        Analysis(run, AnalysisOptions(), communicator: SingleRank()))
      #expect(comparison?.rows.training == 70 - report.rows)
      #expect(comparison?.rows.validation == report.rows)
    }
    #expect(rows == 70)
    // Another fold's checkpoint is not gone on from.
    var options = bench.options("one0")
    options.resume = .automatic
    #expect(throws: RankFailure.self) {
      try train(
        bench.configuration(job + ["data.folds={count: 3, fold: 1}"]), options)
    }
  }

  /// The closed form of Bishop 2006, 4.2.2, in plain doubles: class means, pooled covariance, and
  /// elimination with pivots for its inverse.
  static func closedForm(_ x: [[Double]], _ y: [Int], classes: Int, ridge: Double) -> (
    weights: [Double], biases: [Double]
  ) {
    let (rows, width) = (Double(x.count), x[0].count)
    var means = [[Double]](repeating: [Double](repeating: 0, count: width), count: classes)
    var counts = [Double](repeating: 0, count: classes)
    for (row, label) in zipped(x, y) {
      counts[label] += 1
      for index in 0..<width { means[label][index] += row[index] }
    }
    for label in 0..<classes { means[label] = means[label].map { $0 / counts[label] } }
    var matrix = [[Double]](repeating: [Double](repeating: 0, count: width), count: width)
    for (row, label) in zipped(x, y) {
      let centered = zipped(row, means[label]).map { $0 - $1 }
      for i in 0..<width {
        for j in 0..<width { matrix[i][j] += centered[i] * centered[j] / rows }
      }
    }
    for i in 0..<width { matrix[i][i] += ridge }
    // Each column of the right-hand side is a class.
    var right = (0..<width).map { i in (0..<classes).map { means[$0][i] } }
    for column in 0..<width {
      let pivot = (column..<width).max { abs(matrix[$0][column]) < abs(matrix[$1][column]) }
      matrix.swapAt(column, pivot ?? column)
      right.swapAt(column, pivot ?? column)
      for row in 0..<width where row != column {
        let factor = matrix[row][column] / matrix[column][column]
        for index in column..<width { matrix[row][index] -= factor * matrix[column][index] }
        for index in 0..<classes { right[row][index] -= factor * right[column][index] }
      }
    }
    let weights = (0..<classes).map { label in
      (0..<width).map { right[$0][label] / matrix[$0][$0] }
    }
    let biases = (0..<classes).map { (label: Int) -> Double in
      var product = 0.0
      for index in 0..<width { product += means[label][index] * weights[label][index] }
      return Foundation.log(counts[label] / rows) - product / 2
    }
    return (weights.flatMap(\.self), biases)
  }

  @Test func theGaussianClassifierIsTheClosedForm() throws {
    let bench = try Workbench()
    let values = try Self.table()
    try bench.writeTable(values.x, labels: values.y)
    let job = [
      "data.train=\(bench.path)/table.safetensors", "data.validation=null", "data.normalize=null",
      "model={name: gaussian}", "steps=3", "batch_size=64",
    ]
    let (x, y) = try Self.rows(bench, "table")
    let expected = Self.closedForm(x, y, classes: 3, ridge: 0)
    let alone = try train(bench.configuration(job), bench.options("1"))[0]
    let found = try SafetensorsFile(path: bench.checkpoint("1", step: 3))
    for (name, values) in [
      ("linear.weight", expected.weights), ("linear.bias", expected.biases),
    ] {
      let difference = deviation(doubles(try found.bytes(name)), values)
      #expect(difference < 1e-9, "\(name): \(difference)")
    }
    for ranks in [2, 3, 4] {
      let several = try train(bench.configuration(job), bench.options("\(ranks)"), ranks: ranks)
      for rank in several { #expect(rank.parameters == alone.parameters, "\(ranks) ranks") }
    }
    // Stopped behind the fit and resumed: the parameters stay.
    var options = bench.options("stopped")
    options.stopAtStep = 1
    try train(bench.configuration(job), options, ranks: 2)
    options.stopAtStep = nil
    options.resume = .automatic
    let resumed = try train(bench.configuration(job), options)[0]
    #expect(resumed.parameters == alone.parameters && resumed.startStep == 1)
  }

  private func doubles(_ bytes: [UInt8]) -> [Double] { values(bytes, as: Double.self) }

  /// 600 rows of five features in three classes, more than one block of rows.
  private static func table() throws -> (x: [Float], y: [Int32]) {
    var state: UInt64 = 5
    func next() -> Double {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Double(state >> 33) / Double(1 << 31) - 0.5
    }
    let y: [Int32] = (0..<600).map { (row: Int) -> Int32 in
      let mixed = row * row + row / 7
      return Int32(mixed % 3)
    }
    var x: [Float] = []
    for label in y {
      let common = next()
      for feature in 0..<5 {
        let shift = common * Double(feature) + Double(label) * 0.4
        x.append(Float(next() + shift))
      }
    }
    return (x, y)
  }

  @Test func aSingularCovarianceIsOneLine() throws {
    let bench = try Workbench()
    let job = ["model={name: gaussian}", "steps=1"]
    let error = #expect(throws: RankFailure.self) {
      try train(bench.configuration(job), bench.options("singular"), ranks: 2)
    }
    #expect(error?.message.contains("set model.ridge") == true, "\(error?.message ?? "")")
    #expect(error?.exitCode == .usage)
    let result = try train(
      bench.configuration(job + ["model.ridge=0.1"]), bench.options("ridge"), ranks: 2)[0]
    #expect((result.validations.last?.accuracy ?? 0) > 0.5)
  }
}
