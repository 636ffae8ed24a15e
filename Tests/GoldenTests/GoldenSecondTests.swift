import DLTensor
import DLTestSupport
import Testing

/// Gradients of gradients against PyTorch's double backward, in both precisions
/// (scripts/golden/make_second.py).
@Suite struct GoldenSecondTests {
  @Test(arguments: [DType.float64, .float32])
  func secondDerivatives(dtype: DType) throws {
    let cases = try Golden.second()
    #expect(cases.count >= 519)
    for pair in cases { try SecondDerivatives(pair.second, dtype, base: pair.base).check() }
  }

  @Test(arguments: [DType.float64, .float32])
  func decompositionsEqualKernels(dtype: DType) throws {
    for (golden, base) in try Golden.second() {
      let kernel = try SecondDerivatives(golden, dtype, base: base)
        .firstDerivatives(decomposed: false)
      let plain = try SecondDerivatives(golden, dtype, base: base)
        .firstDerivatives(decomposed: true)
      for (want, got) in compared(kernel, plain) {
        Tolerance(dtype).check(got.values, want.values, "\(golden): \(want.what)")
      }
    }
  }

  /// An op whose kernel stands alone says that it has no second derivatives.
  @Test func everyOpDifferentiatesAgainOrSaysNo() throws {
    let golden = Set(try Golden.cases("second").map(\.op))
    var seen: Set<String> = []
    for family in GoldenOpTests.families where family.name != "penalty" {
      for example in try Golden.cases(family.name) where seen.insert(example.op).inserted {
        let run = try SecondDerivatives(example, .float64, base: example)
        do {
          _ = try run.gradients()
        } catch let error as TensorError {
          #expect(error.description.contains("has no second derivatives"), "\(example.op)")
          #expect(!golden.contains(example.op), "\(example.op)")
        }
      }
    }
  }
}

/// One case run in the mode in which gradients can be differentiated again.
struct SecondDerivatives {
  private let golden: GoldenCase
  /// The case that holds inputs, outputs and first gradients.
  private let base: GoldenCase
  private let zeros: Set<String>
  private let context: Context
  private let inputs: [String: Tensor]
  private let names: [String]

  init(_ golden: GoldenCase, _ dtype: DType, base: GoldenCase) throws {
    Engine.current.select()
    (self.golden, self.base) = (golden, base)
    zeros = Set(try golden.options["zeros"]?.strings() ?? [])
    let context = Context(precision: dtype)
    self.context = context
    names = try golden.options["wrt"]?.strings() ?? base.names("f64/grad")
    inputs = try Dictionary(
      uniqueKeysWithValues: base.names("in").map { ($0, try base.input($0, context)) })
    for name in names { inputs[name]?.requiringGradient() }
  }

  private func run() throws -> Tensor {
    try #require(base.runner()(base, inputs)["y"])
  }

  private func seed(of y: Tensor) throws -> Tensor {
    try .values(
      base.values("in/grad_output"), shape: y.shape, dtype: y.dtype, context: context)
  }

  /// The recorded gradients by the inputs, and the gradient that entered.
  func gradients() throws -> (gradients: [Tensor], seed: Tensor) {
    return try context.differentiably {
      let y = try run()
      Tolerance(context.precision).check(
        y.doubles, try base.values("f64/out/y"), "\(base): y, decomposed")
      let seed = try seed(of: y).requiringGradient()
      let gradients = try context.gradients(
        of: y, with: names.map { try inputs.get($0) }, seed: seed, createGraph: true)
      return (gradients, seed)
    }
  }

  func check() throws {
    let tolerance = Tolerance(context.precision)
    let (gradients, seed) = try gradients()
    let total = try context.differentiably {
      try gradients.enumerated().map { index, gradient in
        try (gradient * direction(index, gradient.shape)).sum()
      }.reduce(Tensor.full([], 0, context: context)) { try $0 + $1 }
    }
    let leaves = try names.map { try inputs.get($0) } + [seed]
    let results = try context.gradients(of: total, with: leaves)
    for (name, result) in compared(names + ["grad_output"], results) {
      let want =
        zeros.contains(name)
        ? [Double](repeating: 0, count: result.count)
        : try golden.values("f64/second/\(name)")
      tolerance.check(result.doubles, want, "\(golden): second derivative by \(name)")
    }
    for (name, gradient) in compared(names, gradients) {
      tolerance.check(
        gradient.doubles, try base.values("f64/grad/\(name)"), "\(golden): gradient of \(name)")
    }
  }

  /// The value, and the gradients by the ordinary backward pass, of the op's kernel or of its
  /// decomposition.
  func firstDerivatives(decomposed: Bool) throws -> [(what: String, values: [Double])] {
    let y = try decomposed ? context.differentiably(run) : context.recording(run)
    try context.backward(from: y, gradient: seed(of: y))
    return try [("y", y.doubles)]
      + names.map { name in
        let gradient = try #require(inputs[name]?.gradient, "\(base): \(name)")
        return ("gradient of \(name)", gradient.doubles)
      }
  }

  /// The script's `direction`.
  private func direction(_ index: Int, _ shape: Shape) throws -> Tensor {
    let values = (0..<shape.count).map { Double(($0 * 7919 + 5 * index) % 13 - 6) / 8 }
    return try .values(values, shape: shape, context: context)
  }
}

extension Golden {
  /// Every case of second derivatives, with the case that holds its inputs and first gradients.
  static func second() throws -> [(second: GoldenCase, base: GoldenCase)] {
    var families: [String: [String: GoldenCase]] = [:]
    return try cases("second").map { second in
      let family = try #require(second.options["family"]?.string)
      if families[family] == nil {
        families[family] = try Dictionary(
          uniqueKeysWithValues: cases(family).map { ($0.name, $0) })
      }
      return (second, try #require(families[family]?[second.name], "\(second)"))
    }
  }
}
