import DLLayers
import DLModels
import DLTensor
import DLTestSupport
import Testing

/// Initializers against PyTorch's own functions and layers under the same draws
/// (scripts/golden/make_initializers.py).
@Suite struct GoldenInitializerTests {
  @Test(arguments: [DType.float64, .float32])
  func rules(dtype: DType) throws {
    let cases = try Golden.cases("initializers").filter { $0.options["layer"] != nil }
    #expect(cases.count >= 39)
    for golden in cases {
      let shape = try golden.shape("f64/out/weight")
      let (out, input) = (shape[0], shape[1])
      let layer: any Layer
      let weight: Parameter
      switch golden.options["layer"]?.string {
      case "linear":
        let linear = Linear(inputFeatures: input, outputFeatures: out)
        (layer, weight) = (linear, linear.weight)
      case "conv1d":
        let convolution = Conv1d(inputChannels: input, outputChannels: out, kernelSize: shape[2])
        (layer, weight) = (convolution, convolution.weight)
      default:
        let convolution = Conv2d(
          inputChannels: input, outputChannels: out, kernelSize: Size2d(shape[2], shape[3]))
        (layer, weight) = (convolution, convolution.weight)
      }
      weight.initializer = try golden.initializer()
      try checkStart(layer, dtype, golden) { name in
        name == "weight" ? try golden.values("f64/out/weight") : nil
      }
    }
  }

  /// Every layer with parameters, each fresh.
  @Test(arguments: [DType.float64, .float32])
  func defaults(dtype: DType) throws {
    let golden = try #require(try Golden.cases("initializers").first { $0.op == "defaults" })
    let model = Everything()
    let names = Set(golden.names("f64/out"))
    try checkStart(model, dtype, golden) { name in
      #expect(names.contains(name), "\(name)")
      return try golden.values("f64/out/\(name)")
    }
  }

  /// The first numbers of each weight, the sum of their magnitudes and of their squares.
  @Test(arguments: [DType.float64, .float32])
  func zerosForTheLastNormOfABlock(dtype: DType) throws {
    let cases = try Golden.cases("initializers").filter { $0.op == "zero_init_residual" }
    #expect(cases.count == 2)
    for golden in cases {
      var options = SmallImageResNet()
      options.depth = 8
      options.zeroInitialResidual = golden.flag("zeros")
      let network = try options.network(for: [16, 16, 3], classes: 10)
      try checkStart(network, dtype, golden, map: Self.digest) {
        try golden.values("f64/out/\($0)")
      }
    }
  }

  private static func digest(_ values: [Double]) -> [Double] {
    values.prefix(5) + [
      values.reduce(0) { $0 + abs($1) }, values.reduce(0) { $0 + $1 * $1 },
    ]
  }

  /// Starts a model and compares its parameters, in PyTorch's layout, with what `want` says of
  /// them.
  private func checkStart(
    _ model: Module, _ dtype: DType, _ golden: GoldenCase,
    map: ([Double]) -> [Double] = { $0 }, want: (String) throws -> [Double]?
  ) throws {
    let context = Context(precision: dtype, seed: 3)
    let arena = try ParameterArena(model, context: context)
    for parameter in arena.parameters {
      guard let values = try want(parameter.name) else { continue }
      let start = try parameter.layout.inFile(parameter.value).doubles
      Tolerance(dtype).check(map(start), values, "\(golden): \(parameter.name)")
    }
  }
}

extension GoldenCase {
  fileprivate func initializer() throws -> Initializer {
    let gain = options["gain"]?.double ?? 1
    let mode: FanMode = options["mode"]?.string == "fan_out" ? .fanOut : .fanIn
    let nonlinearity: Nonlinearity? =
      switch options["nonlinearity"]?.string {
      case "relu": .relu
      case "tanh": .tanh
      case "selu": .selu
      case "sigmoid": .sigmoid
      case "linear": .linear
      case "leaky_relu": .leakyReLU(try number("slope"))
      default: nil
      }
    return switch op {
    case "xavier_uniform": .xavierUniform(gain: gain)
    case "xavier_normal": .xavierNormal(gain: gain)
    case "he_uniform": .heUniform(mode, for: try #require(nonlinearity))
    case "he_normal": .heNormal(mode, for: try #require(nonlinearity))
    case "orthogonal": .orthogonal(gain: gain)
    case "truncated_normal":
      .truncatedNormal(standardDeviation: try number("std"), bound: try number("bound"))
    case "normal": .normal(standardDeviation: try number("std"))
    case "uniform": .uniform(bound: try number("bound"))
    case "constant": .constant(try number("value"))
    case "zeros": .zeros
    case "ones": .ones
    default: throw MissingGolden("\(name): no initializer \(op)")
    }
  }
}
