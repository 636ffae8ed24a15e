import DLCluster
import DLCore
import DLFormats
import DLInference
import DLTestSupport
import DLTraining
import Testing

/// What an analysis says of weights whose nature is known.
@Suite struct AnalysisTests {
  /// A run of one step that changes nothing, from given weights.
  private func run(
    _ bench: Workbench, layers: String, weights: [String: (shape: [Int], values: [Double])],
    x: [Float], y: [Float], name: String = "run"
  ) throws -> LoadedRun {
    let rows = y.count
    func tensor(_ name: String, _ values: [Float], _ shape: [Int]) -> SafetensorsTensor {
      SafetensorsTensor(name: name, dtype: .float32, shape: shape) { sink in
        try values.withUnsafeBytes { try sink($0) }
      }
    }
    try SafetensorsWriter.write(
      [tensor("x", x, [rows, x.count / rows]), tensor("y", y, [rows, 1])],
      to: bench.path + "/\(name).safetensors")
    try SafetensorsWriter.write(
      weights.sorted { $0.key < $1.key }.map { key, weight in
        tensor(key, weight.values.map { Float($0) }, weight.shape)
      }, to: bench.path + "/\(name)-weights.safetensors")
    let configuration = try Configuration.load(
      yaml: """
        data: {train: \(name).safetensors}
        model: {layers: \(layers)}
        loss: mse
        optimizer: {name: sgd, lr: 0}
        batch_size: 2
        steps: 1
        precision: float64
        """, folder: bench.path, overrides: [])
    try train(
      configuration,
      bench.options(name) {
        $0.initialWeights = bench.path + "/\(name)-weights.safetensors"
      })
    return try LoadedRun(bench.path + "/" + name)
  }

  /// All rows of two inputs of size 1, with values that no plane through the origin meets.
  private let corners: (x: [Float], y: [Float]) = (
    [1, 1, 1, -1, -1, 1, -1, -1], [2 + 3 + 1, 2 - 3 - 1, -2 + 3 - 1, -2 - 3 + 1]
  )

  private func report(
    _ run: LoadedRun, ranks: Int = 1, _ change: @Sendable (inout AnalysisOptions) -> Void = { _ in }
  ) throws -> AnalysisReport {
    var options = AnalysisOptions()
    change(&options)
    let asked = options
    return try ThreadGroup.run(ranks: ranks) { communicator in
      try AnalysisReport(run, asked, communicator: communicator)
    }[0]
  }

  private func section<S: AnalysisSection>(_ type: S.Type, of report: AnalysisReport) throws -> S {
    try #require(report.sections.compactMap { $0 as? S }.first)
  }

  /// y = 2 a + 3 b + a b over a square: the best plane is 2 a + 3 b, its mean square 1, and the
  /// Hessian 2.
  @Test func bestPlaneIsAMinimum() throws {
    let bench = try Workbench()
    let run = try run(
      bench, layers: "[{linear: {out: 1, bias: false}}]",
      weights: ["0.weight": ([1, 2], [2, 3])], x: corners.x, y: corners.y)
    let report = try report(run, ranks: 2) { $0.chords = 5 }
    let point = try section(CriticalPoint.self, of: report)
    #expect(point.verdict == .minimum && point.escape == nil)
    #expect(point.loss == 1 && point.gradientNorm < 1e-12)
    #expect(deviation(point.largest.map(\.value), [2]) < 1e-12)
    let convexity = try section(ConvexityCheck.self, of: report)
    #expect(convexity.violations == 0)
    // The curvature is the same everywhere, so the rise is 2 / 2 · radius².
    let sharpness = try section(Sharpness.self, of: report)
    #expect(abs(sharpness.rise - 0.05 * 0.05) < 1e-12)
    #expect(report.text(columns: 80).split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  /// Two linear layers of zeros: no gradient, and curvature of both signs.
  @Test func zerosAreASaddle() throws {
    let bench = try Workbench()
    let run = try run(
      bench, layers: "[{linear: {out: 2, bias: false}}, {linear: {out: 1, bias: false}}]",
      weights: ["0.weight": ([2, 2], [0, 0, 0, 0]), "1.weight": ([1, 2], [0, 0])],
      x: corners.x, y: corners.y)
    let report = try report(run) { $0.chords = 20 }
    let point = try section(CriticalPoint.self, of: report)
    #expect(point.verdict == .saddle && point.gradientNorm == 0)
    // d²L / du dW = -2 mean(y x), of length 2 √(2² + 3²), in both units alike.
    let curvature = 2 * 13.0.squareRoot()
    #expect(abs(point.largest[0].value - curvature) < 1e-9)
    #expect(abs(point.smallest[0].value + curvature) < 1e-9)
    let escape = try #require(point.escape)
    #expect(escape.loss < point.loss - 1e-6)
    let convexity = try section(ConvexityCheck.self, of: report)
    #expect(convexity.violations > 0)
    let gradients = try section(LayerGradients.self, of: report)
    #expect(gradients.layers.map(\.now) == [0, 0] && gradients.initial.norm > 0)
  }

  /// A line between two minima of a convex problem is a parabola.
  @Test func lineLeadsToAnotherRun() throws {
    let bench = try Workbench()
    let layers = "[{linear: {out: 1, bias: false}}]"
    let first = try run(
      bench, layers: layers, weights: ["0.weight": ([1, 2], [2, 3])], x: corners.x, y: corners.y)
    let second = try run(
      bench, layers: layers, weights: ["0.weight": ([1, 2], [3, 3])], x: corners.x, y: corners.y,
      name: "other")
    let report = try report(first) { ($0.target, $0.line) = (second, 5) }
    let line = try section(LossLine.self, of: report)
    #expect(deviation(line.losses, [0, 0.25, 0.5, 0.75, 1].map { 1 + $0 * $0 }) < 1e-12)
    #expect(line.barrier.map { $0 <= 1e-15 } == true)
  }

  /// Deep, with batch norm, dropout and branches: every section has the same bits on 1 and 3 ranks.
  @Test func ranksReportTheSame() throws {
    let bench = try Workbench()
    try train(bench.configuration(["steps=6"]), bench.options("run"))
    let run = try LoadedRun(bench.path + "/run")
    let change: @Sendable (inout AnalysisOptions) -> Void = {
      ($0.lanczosSteps, $0.line, $0.plane, $0.chords, $0.rows) = (8, 5, 3, 1, 40)
    }
    let one = try report(run, change)
    let three = try report(run, ranks: 3, change)
    #expect(one.json.description == three.json.description)
    #expect(one.sections.count == 8 && one.rows == 40 && one.rowsOfData == 70)
    let activations = try section(ActivationStatistics.self, of: one)
    let relu = try #require(activations.layers.first { $0.kind == "ReLU" })
    #expect(relu.zeros > 0.1 && relu.zeros < 0.9 && relu.units == 6)
    #expect(one.text(columns: 80).split(separator: "\n").allSatisfy { $0.count <= 80 })
  }

  /// Inputs that are the same in all rows of both sets, but for what rounding makes of their means,
  /// and one that is another constant there.
  @Test(arguments: [0.1, 0.3])
  func constantsMatchThemselves(other: Float) throws {
    let bench = try Workbench()
    for (name, rows, last) in [("train", 70, Float(0.1)), ("validation", 23, other)] {
      var numbers = Numbers(seed: UInt64(rows))
      let labels = (0..<rows).map { Int32($0 % 2) }
      let values: [Float] = labels.flatMap { _ -> [Float] in
        [0.1, 0.7, Float(numbers.next()), last]
      }
      try bench.writeTable(values, labels: labels)
      let bytes = try File.contents(of: bench.path + "/table.safetensors")
      try File.replace("\(bench.path)/\(name).safetensors") { file in
        try bytes.withUnsafeBytes { try file.write($0) }
      }
    }
    let configuration = try Configuration.load(
      yaml: """
        data: {train: train.safetensors, validation: validation.safetensors}
        model: {layers: [{linear: {out: 2}}]}
        optimizer: {name: sgd, lr: 0}
        steps: 1
        """, folder: bench.path, overrides: [])
    try train(configuration, bench.options("run"))
    let report = try report(LoadedRun(bench.path + "/run"))
    let comparison = try section(DataComparison.self, of: report)
    #expect(comparison.inputs == 4)
    #expect(comparison.differing == (other == 0.1 ? 0 : 1), "\(comparison)")
    #expect(comparison.largest.errors.isFinite == (other == 0.1), "\(comparison)")
    let text = comparison.text(columns: nil)
    #expect(text.contains("one value here and another there") == (other != 0.1), "\(text)")
    #expect(!text.contains("inf"), "\(text)")
  }
}
