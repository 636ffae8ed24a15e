import DLConfiguration
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// `init` of layers in YAML.
@Suite struct ParameterStartTests {
  private func load(_ layers: String) throws -> Configuration {
    try Configuration.load(
      yaml: "data: {synthetic: {shape: [6, 6, 4], classes: 2}}\nmodel: {layers: \(layers)}\n",
      source: "job.yaml")
  }

  private func arena(_ layers: String, _ input: Shape = [6, 6, 4]) throws -> ParameterArena {
    let chain = try LayerConfiguration.chain(
      try #require(load(layers).model.layers), input: input)
    return try ParameterArena(chain, context: Context(precision: .float64, seed: 5))
  }

  private func values(_ arena: ParameterArena) throws -> [String: [Double]] {
    Dictionary(
      uniqueKeysWithValues: try arena.parameters.map { ($0.name, try $0.value.doubles) })
  }

  /// Rules whose numbers are compared with PyTorch's elsewhere give the same numbers here.
  @Test(arguments: [
    ("kaiming_normal", Initializer.heNormal()),
    (
      "{kaiming_normal: {mode: fan_out, nonlinearity: tanh}}",
      .heNormal(.fanOut, for: .tanh)
    ),
    ("{kaiming_uniform: {a: 0.2}}", .heUniform(for: .leakyReLU(0.2))),
    ("{kaiming_uniform: {nonlinearity: linear}}", .heUniform(for: .linear)),
    ("xavier_normal", .xavierNormal()), ("{xavier_uniform: {gain: 2}}", .xavierUniform(gain: 2)),
    ("{orthogonal: {gain: 0.5}}", .orthogonal(gain: 0.5)),
    ("{normal: {std: 0.02}}", .normal(standardDeviation: 0.02)),
    ("{trunc_normal: {std: 0.5, bound: 1}}", .truncatedNormal(standardDeviation: 0.5, bound: 1)),
    ("{uniform: {a: -0.25, b: 0.25}}", .uniform(bound: 0.25)), ("zeros", .zeros), ("ones", .ones),
    ("{constant: {val: 0.125}}", .constant(0.125)),
  ])
  func rulesAreThoseOfInitializer(rule: String, want: Initializer) throws {
    let got = try values(arena("[{conv2d: {out: 8, kernel: 3, groups: 2, init: \(rule)}}]"))
    let layer = Conv2d(inputChannels: 4, outputChannels: 8, kernelSize: 3, groups: 2)
    let fallback = layer.bias?.initializer
    layer.weight.initializer = want
    let expected = try values(
      ParameterArena(Sequential(layer), context: Context(precision: .float64, seed: 5)))
    #expect(fallback != nil && got.keys.sorted() == expected.keys.sorted())
    for (name, numbers) in expected {
      let difference = zipped(numbers, got[name] ?? []).map { abs($0 - $1) }
      #expect(difference.count == numbers.count && difference.allSatisfy { $0 < 1e-15 }, "\(name)")
    }
  }

  @Test func parametersAreChosen() throws {
    let linear = try values(
      arena("[flatten, {linear: {out: 3, init: {weight: ones, bias: {constant: {val: 2}}}}}]"))
    #expect(linear["1.weight"]?.allSatisfy { $0 == 1 } == true)
    #expect(linear["1.bias"] == [2, 2, 2])
    // A rule alone leaves biases as they are, and goes for scales too.
    let norm = try values(arena("[{batch_norm: {init: {constant: {val: 3}}}}]"))
    #expect(norm["0.weight"] == [3, 3, 3, 3] && norm["0.bias"] == [0, 0, 0, 0])
    // One that counts inputs passes over what has one axis; what lies within says more.
    let block = try values(
      arena(
        """
        [{residual: {init: kaiming_normal, layers: [{conv2d: {out: 4, kernel: 1, init: ones}}, \
        batch_norm, {conv2d: {out: 4, kernel: 1}}]}}]
        """))
    #expect(block["0.layers.0.weight"]?.allSatisfy { $0 == 1 } == true)
    #expect(block["0.layers.1.weight"] == [1, 1, 1, 1])
    let deviation = (block["0.layers.2.weight"] ?? []).reduce(0) { $0 + $1 * $1 } / 16
    #expect(deviation > 0.1 && deviation < 2)
    let token = try values(
      arena("[tokens, {class_token: {init: {normal: {mean: 4, std: 0}}}}]"))
    #expect(token["1.class_token"] == [4, 4, 4, 4])
    let repeated = try values(
      arena("[flatten, {repeat: {times: 2, layers: [{linear: {out: 2, init: ones}}]}}]"))
    #expect(repeated["2.weight"] == [1, 1, 1, 1])
  }

  @Test func whatNothingIsMeantByIsAnError() {
    func message(_ layers: String) -> String? {
      let error = #expect(throws: TensorError.self) { try arena(layers) }
      return error?.description
    }
    #expect(
      message("[{relu: {init: ones}}]")
        == "0: init: the layer has no parameters; leave init out")
    #expect(
      message("[{conv2d: {out: 2, kernel: 1, init: {gamma: ones}}}]")
        == "0: init: no parameter is meant by gamma; there are: weight, bias")
    #expect(
      message("[{batch_norm: {init: orthogonal}}]")
        == "0: init: orthogonal needs a parameter of two axes or more, weight has shape [4]; use "
        + "normal, uniform or constant")
    #expect(message("[{conv2d: {out: 2, kernel: 1, init: {bias: xavier_normal}}}]") != nil)
  }

  @Test func faultsNameTheirPlace() {
    func faults(_ layers: String) -> [String] {
      (#expect(throws: ConfigurationError.self) { try load(layers) })?.lines ?? []
    }
    #expect(
      faults("[{linear: {out: 2, init: kaimin_normal}}]") == [
        "job.yaml:2:42: model.layers.0.linear.init: unknown initializer \"kaimin_normal\", did you mean "
          + "kaiming_normal?"
      ])
    #expect(
      faults("[{linear: {out: 2, init: {normal: {sd: 1}}}}]") == [
        "job.yaml:2:52: model.layers.0.linear.init.normal.sd: unknown key, did you mean std?"
      ])
    #expect(
      faults("[{linear: {out: 2, init: {uniform: {a: 2, b: 1}}}}]").first?.contains(
        "expected at least a") == true)
    #expect(faults("[{linear: {out: 2, init: 3}}]").count == 1)
    #expect(faults("[{linear: {out: 2, init: {constant: {}}}}]").count == 1)
    #expect(faults("[{linear: {out: 2, init: {weight: 3}}}]").count == 1)
  }

  @Test func textsReadBack() throws {
    let job = try load(
      "[flatten, {linear: {out: 2, init: {weight: kaiming_uniform, bias: zeros}}}, {linear: {init: ones, out: 2}}]"
    )
    #expect(try Configuration.load(yaml: job.yaml()) == job)
    #expect(job.yaml().contains("{linear: {out: 2, bias: true, init: {ones: {}}}}"))
    let plain = try load("[flatten, {linear: {out: 2}}, {linear: {out: 2, init: null}}]")
    #expect(plain != job && !plain.yaml().contains(" init:"))
    let removed = try Configuration.load(
      yaml: job.yaml(),
      overrides: ["model.layers.1.linear.init=null", "model.layers.2.linear.init=null"])
    #expect(removed == plain)
    let changed = try Configuration.load(
      yaml: plain.yaml(), overrides: ["model.layers.1.linear.init=orthogonal"])
    #expect(changed.yaml().contains("init: {orthogonal: {gain: 1.0}}"))
  }
}
