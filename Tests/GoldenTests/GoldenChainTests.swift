import DLFormats
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Short networks as configurations have them, under PyTorch's names and with its weights
/// (scripts/golden/make_chains.py and make_networks.py).
@Suite struct GoldenChainTests {
  @Test(arguments: [DType.float64, .float32])
  func chains(dtype: DType) throws {
    let cases = try Golden.cases("chain")
    #expect(cases.count >= 6)
    try compare(cases, dtype)
  }

  /// Branches, repeated layers, dense blocks and tokens, in training.
  @Test(arguments: [DType.float64, .float32])
  func networks(dtype: DType) throws {
    let cases = try Golden.cases("network")
    #expect(cases.count >= 10)
    try compare(cases, dtype)
  }

  private func compare(_ cases: [GoldenCase], _ dtype: DType) throws {
    Engine.current.select()
    for golden in cases {
      let context = Context(precision: dtype)
      context.isTraining = golden.options["training"] != nil
      let x = try golden.input("x", context).requiringGradient()
      let network = try golden.chain(x.shape.dropFirst())
      let arena = try ParameterArena(network, context: context)
      #expect(Set(golden.names("in")) == Set(arena.parameters.map(\.name) + ["x", "grad_output"]))
      for parameter in arena.parameters {
        let file = try golden.input(parameter.name, context)
        try parameter.value.assign(parameter.layout.inMemory(file).doubles)
      }
      let tolerance = Tolerance(dtype)
      let y = try context.recording { try network(x) }
      tolerance.check(y.doubles, try golden.values("f64/out/y"), "\(golden): y")
      #expect(try network.outputShape(for: x.shape.dropFirst()) == y.shape.dropFirst(), "\(golden)")
      try context.backward(from: y, gradient: golden.input("grad_output", context))
      tolerance.check(
        try #require(x.gradient).doubles, try golden.values("f64/grad/x"), "\(golden): x")
      for parameter in arena.parameters {
        let gradient = try parameter.layout.inFile(try #require(parameter.value.gradient))
        tolerance.check(
          gradient.doubles, try golden.values("f64/grad/\(parameter.name)"),
          "\(golden): \(parameter.name)")
      }
    }
  }

  /// Without a chain that tells, the order is as given.
  @Test func flattenAloneIsTold() throws {
    let context = Context(precision: .float64)
    let x = try Tensor.values([1, 2, 3, 4, 5, 6], shape: [1, 3, 2], context: context)
    #expect(try Flatten()(x).doubles == [1, 2, 3, 4, 5, 6])
    #expect(try Flatten(channelsFirst: true)(x).doubles == [1, 3, 5, 2, 4, 6])
    let chain = Sequential(MaxPool1d(kernelSize: 1), Flatten(channelsFirst: false))
    #expect(try chain(x).doubles == [1, 2, 3, 4, 5, 6])
    #expect(try Sequential(MaxPool1d(kernelSize: 1), Flatten())(x).doubles == [1, 3, 5, 2, 4, 6])
    #expect(try Flatten().outputShape(for: [3, 2]) == [6])
  }
}

extension GoldenCase {
  /// The network of a case's `layers`, a list of words.
  fileprivate func chain(_ input: Shape) throws -> Sequential {
    let layers = try #require(options["layers"]?.string)
    let job = try Configuration.load(
      yaml: "data: {synthetic: {shape: \(input), classes: 2}}\nmodel: {layers: \(layers)}\n")
    return try LayerConfiguration.chain(try #require(job.model.layers), input: input)
  }
}
