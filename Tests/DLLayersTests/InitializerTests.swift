import DLLayers
import DLTensor
import DLTestSupport
import Testing

/// Initializers are random: tested by what their values have in common.
@Suite struct InitializerTests {
  /// The weight of a linear or convolution layer that starts by `initializer`, as PyTorch's matrix
  /// `[out, in]`, inputs in the order of memory.
  private func start(_ initializer: Initializer, _ out: Int, _ input: Int, window: Int = 1) throws
    -> [[Double]]
  {
    let context = Context(precision: .float64)
    let layer: any Layer
    let weight: Parameter
    if window == 1 {
      let linear = Linear(inputFeatures: input, outputFeatures: out)
      (layer, weight) = (linear, linear.weight)
    } else {
      let convolution = Conv2d(
        inputChannels: input, outputChannels: out, kernelSize: Size2d(window, window))
      (layer, weight) = (convolution, convolution.weight)
    }
    weight.initializer = initializer
    let arena = try ParameterArena(layer, context: context)
    defer { withExtendedLifetime(arena) {} }
    let values = try weight.value.doubles
    let fanIn = input * window * window
    return (0..<out).map { o in
      (0..<fanIn).map { i in values[window == 1 ? o * fanIn + i : i * out + o] }
    }
  }

  private func deviation(_ values: [Double]) -> Double {
    (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
  }

  /// Name, rule, and the deviation for fans of 96 and 60 or, with a window of 3, of 864 and 540.
  static let rules: [(String, Initializer, @Sendable (Double, Double) -> Double, Bool)] = [
    ("xavier uniform", .xavierUniform(gain: 1.5), { 1.5 * (2 / ($0 + $1)).squareRoot() }, true),
    ("xavier normal", .xavierNormal(), { (2 / ($0 + $1)).squareRoot() }, false),
    ("he uniform", .heUniform(), { a, _ in (2 / a).squareRoot() }, true),
    ("he uniform out", .heUniform(.fanOut, for: .tanh), { _, b in 5 / 3 / b.squareRoot() }, true),
    ("he normal", .heNormal(for: .leakyReLU(0.5)), { a, _ in (1.6 / a).squareRoot() }, false),
    ("he normal out", .heNormal(.fanOut), { _, b in (2 / b).squareRoot() }, false),
  ]

  @Test(arguments: 0..<rules.count, [1, 3])
  func deviations(rule: Int, window: Int) throws {
    let (name, initializer, expected, isUniform) = Self.rules[rule]
    let values = try start(initializer, 60, 96, window: window).flatMap { $0 }
    let area = Double(window * window)
    let want = expected(96 * area, 60 * area)
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    #expect(abs(mean) < 5 * want / count.squareRoot(), "\(name)")
    #expect(abs(deviation(values) / want - 1) < 5 / (2 * count).squareRoot(), "\(name)")
    let largest = values.map(abs).max() ?? 0
    let bound = want * 3.0.squareRoot()
    #expect(isUniform == (largest <= bound * (1 + 1e-12)), "\(name)")
    if isUniform { #expect(largest > 0.99 * bound, "\(name)") }
  }

  @Test(arguments: [(5, 9, 1), (9, 5, 1), (7, 7, 1), (4, 3, 3), (30, 2, 3), (1, 6, 1), (6, 1, 1)])
  func orthogonal(out: Int, input: Int, window: Int) throws {
    let rows = try start(.orthogonal(gain: 1.5), out, input, window: window)
    let width = rows[0].count
    let vectors =
      out <= width ? rows : (0..<width).map { column in rows.map { $0[column] } }
    for (i, a) in vectors.enumerated() {
      for (j, b) in vectors.enumerated() {
        let product = zipped(a, b).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(product - (i == j ? 2.25 : 0)) < 1e-12, "\(i), \(j)")
      }
    }
  }

  @Test func truncatedNormal() throws {
    let values = try start(.truncatedNormal(standardDeviation: 0.5, bound: 0.5), 100, 100)
      .flatMap { $0 }
    #expect(values.allSatisfy { abs($0) <= 0.5 })
    #expect(values.map(abs).max() ?? 0 > 0.49)
    // The deviation of a normal cut off at one standard deviation: √(1 - 2 φ(1) / (2 Φ(1) - 1)).
    #expect(abs(deviation(values) / (0.5 * 0.539_560) - 1) < 0.02)
  }

  @Test func constants() throws {
    #expect(try start(.zeros, 2, 3) == [[0, 0, 0], [0, 0, 0]])
    #expect(try start(.ones, 2, 3) == [[1, 1, 1], [1, 1, 1]])
  }
}
