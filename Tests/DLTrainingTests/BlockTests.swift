import DLConfiguration
import DLCore
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Blocks, repeated layers and branches in YAML: what they are written out to, and what is wrong with
/// them, where.
@Suite struct BlockTests {
  private static let data = "data: {synthetic: {shape: [8, 8, 3], classes: 2}}\n"

  private func load(_ text: String, _ overrides: [String] = []) throws -> Configuration {
    try Configuration.load(yaml: Self.data + text, source: "job.yaml", overrides: overrides)
  }

  private func faults(_ text: String, _ overrides: [String] = []) -> [String] {
    do throws(ConfigurationError) {
      _ = try Configuration.load(
        yaml: Self.data + text, source: "job.yaml", overrides: overrides)
      return []
    } catch {
      return error.lines
    }
  }

  private let unit = """
    model:
      blocks:
        unit:
          parameters: {out: null, kernel: 1, more: []}
          layers:
            - {conv2d: {out: 2 * $out, kernel: $kernel, padding: ($kernel - 1) / 2}}
            - $more
        pair:
          parameters: {width: 4}
          layers: [{unit: {out: "${width}"}}, {unit: {out: "${width + 1}", kernel: 3, more: [relu, {dropout: {p: 0.25}}]}}]

    """

  @Test func usesAreWrittenOut() throws {
    let job = try load(unit + "  layers: [pair, {unit: {out: 3}}, {pair: {width: 6}}, relu]\n")
    let plain = try load(
      """
      model:
        layers:
          - sequential: {layers: [
              {sequential: {layers: [{conv2d: {out: 8, kernel: 1}}]}},
              {sequential: {layers: [{conv2d: {out: 10, kernel: 3, padding: 1}}, relu, {dropout: {p: 0.25}}]}}]}
          - sequential: {layers: [{conv2d: {out: 6, kernel: 1}}]}
          - sequential: {layers: [
              {sequential: {layers: [{conv2d: {out: 12, kernel: 1}}]}},
              {sequential: {layers: [{conv2d: {out: 14, kernel: 3, padding: 1}}, relu, {dropout: {p: 0.25}}]}}]}
          - relu
      """)
    #expect(job == plain)
    #expect(job.yaml() == plain.yaml())
    #expect(try Configuration.load(yaml: job.yaml()) == job)
    #expect(!job.yaml().contains("blocks") && !job.yaml().contains("$"))
    let network = try LayerConfiguration.chain(try #require(job.model.layers), input: [8, 8, 3])
    #expect(try network.outputShape(for: [8, 8, 3]) == [8, 8, 14])
    let names = try ParameterArena(network, context: Context()).parameters.map(\.name)
    #expect(
      names.filter { $0.hasSuffix("weight") }
        == ["0.0.0.weight", "0.1.0.weight", "1.0.weight", "2.0.0.weight", "2.1.0.weight"])
  }

  @Test func layersWithinLayersAreFoundToo() throws {
    let job = try load(
      unit
        + """
          layers:
            - residual: {layers: [{unit: {out: 2}}], shortcut: [{unit: {out: 2}}]}
            - concat: {branches: {a: [{unit: {out: 1}}], b: [], c: [{repeat: {times: 2, layers: [pair]}}]}}
            - sum: {branches: [[{unit: {out: 1}}], [{unit: {out: 1, kernel: 3}}]]}
        """)
    let network = try LayerConfiguration.chain(try #require(job.model.layers), input: [8, 8, 3])
    #expect(try network.outputShape(for: [8, 8, 3]) == [8, 8, 2])
    let names = try ParameterArena(network, context: Context()).parameters.map(\.name)
    #expect(
      names.filter { $0.hasSuffix("weight") } == [
        "0.layers.0.0.weight", "0.shortcut.0.0.weight", "1.a.0.0.weight", "1.c.0.0.0.weight",
        "1.c.0.1.0.weight", "1.c.1.0.0.weight", "1.c.1.1.0.weight", "2.0.0.0.weight",
        "2.1.0.0.weight",
      ])
  }

  /// A default, and a value that is one block, are written out as a list of layers at a use is.
  @Test(arguments: ["[part]", "part", "{part: {out: 5}}", "[{part: {out: 5}}]"])
  func valuesMayBeBlocks(value: String) throws {
    func layers(_ default: String, _ use: String) throws -> Configuration {
      try load(
        """
        model:
          blocks:
            part: {parameters: {out: 5}, layers: [flatten, {linear: {out: $out}}]}
            whole: {parameters: {more: \(`default`)}, layers: [relu, $more]}
          layers: [\(use)]

        """)
    }
    let byDefault = try layers(value, "whole")
    let byUse = try layers("[]", "{whole: {more: \(value)}}")
    #expect(byDefault == byUse && byDefault.yaml().contains("out: 5"))
  }

  @Test func theCommandLineReachesBlocks() throws {
    let text = unit + "  layers: [pair]\n"
    let job = try load(text, ["model.blocks.pair.parameters.width=7"])
    #expect(job.yaml().contains("out: 14") && job.yaml().contains("out: 16"))
    let other = try load(text, ["model.layers=[{unit: {out: 5}}, relu]"])
    #expect(other.model.layers?.map(\.word) == ["sequential", "relu"])
    #expect(try load(text, ["model={name: lenet5}"]).model.name == "lenet5")
    #expect(try load(text, ["model.name=lenet5"]).model.name == "lenet5")
  }

  @Test func faultsNameTheirPlace() {
    func both(_ layers: String) -> [String] { faults(unit + "  layers: \(layers)\n") }
    #expect(
      both("[{unit: {kernel: 3}}]") == [
        "job.yaml:12:13: model.layers.0.unit: the block needs out, which has no default"
      ])
    #expect(
      both("[{unit: {out: 3, kernal: 3}}]") == [
        "job.yaml:12:28: model.layers.0.unit.kernal: the block has no such parameter, did you mean "
          + "kernel?"
      ])
    #expect(
      both("[{pair: 3}]") == [
        "job.yaml:12:19: model.layers.0.pair: expected a mapping of the block's parameters, found 3"
      ])
    // The value's own place, wherever it is used.
    #expect(
      both("[{unit: {out: 3, kernel: 0.5}}]").first
        == "job.yaml:7:62: model.layers.0.unit.0.conv2d.padding: \"($kernel - 1) / 2\": parameter "
        + "kernel is no whole number")
    #expect(
      both("[{unit: {out: 3, more: relu}}]") == [
        // One word in place of a list's item is an item.
      ])
    #expect(both("[unti]").first?.contains("unknown layer \"unti\"") == true)
    #expect(both("[{unit: {out: -3}}]").first?.hasPrefix("job.yaml:7:26: ") == true)
    #expect(
      both("[{unit: {out: 3, kernel: 2}}]").first?.contains("1 / 2 is no whole number") == true)
  }

  @Test(arguments: [
    ("a: {layers: [b]}, b: {layers: [{a: {}}]}", "block a stands within itself: a in b in a"),
    ("a: {layers: [{sequential: {layers: [a]}}]}", "block a stands within itself: a in a"),
    ("relu: {layers: [tanh]}, a: {layers: []}", "relu is a layer; give the block another name"),
    ("a b: {layers: []}", "expected a name of letters, digits and _"),
    ("a: {layer: [relu]}", "unknown key, did you mean layers?"),
    ("a: {parameters: {out: 1}}", "missing: the layers of the block"),
    ("a: [relu]", "expected a mapping with layers"),
    ("a: {layers: relu}", "expected a list of layers"),
    ("a: {layers: [relu], parameters: [out]}", "expected a mapping of names with defaults"),
    ("a: {layers: [relu], parameters: {1x: 2}}", "is no name"),
    (
      "a: {layers: [{linear: {out: $out}}], parameters: {oud: 2}}",
      "no parameter out, did you mean oud?"
    ),
    ("a: {layers: [{linear: {out: $out +}}], parameters: {out: 2}}", "expected a parameter alone"),
    ("a: {layers: [{linear: {out: $out / 0}}], parameters: {out: 2}}", "2 / 0 is no whole number"),
    (
      "a: {layers: [{linear: {out: $out * $out * $out}}], parameters: {out: 9000000000}}",
      "the number is too large"
    ),
    ("a: {layers: [{linear: {out: 2 $out}}], parameters: {out: 2}}", "expected a parameter alone"),
    (
      "a: {layers: [{linear: {out: ((((((((((((((((((((((((((((((((($out}}], parameters: {out: 2}}",
      "too many parentheses"
    ),
  ])
  func definitionsAreChecked(blocks: String, message: String) {
    let lines = faults("model:\n  blocks: {\(blocks)}\n  layers: [a]\n")
    #expect(lines.count == 1 && lines[0].contains(message), "\(lines)")
    #expect(lines.allSatisfy { $0.hasPrefix("job.yaml:") }, "\(lines)")
  }

  /// Ten blocks, each of ten of the one before: 10^10 layers.
  @Test func blocksThatGrowWithoutBoundAreRefused() {
    var text = "model:\n  blocks:\n    b0: {layers: [relu]}\n"
    for level in 1...10 {
      let uses = [String](repeating: "b\(level - 1)", count: 10).joined(separator: ", ")
      text += "    b\(level): {layers: [\(uses)]}\n"
    }
    #expect(
      faults(text + "  layers: [b10]\n").first?.contains("written out have more than") == true)
    var deep = "model:\n  blocks:\n    b0: {layers: [relu]}\n"
    for level in 1...40 { deep += "    b\(level): {layers: [b\(level - 1)]}\n" }
    #expect(faults(deep + "  layers: [b40]\n").first?.contains("levels") == true)
    // Values that double at each level.
    var doubled = "model:\n  blocks:\n    b0: {parameters: {x: []}, layers: $x}\n"
    doubled = doubled.replacing("layers: $x", with: "layers: [$x]")
    for level in 1...25 {
      doubled +=
        "    b\(level): {parameters: {x: [relu]}, layers: [{b\(level - 1): {x: [$x, $x]}}]}\n"
    }
    #expect(
      faults(doubled + "  layers: [b25]\n").first?.contains("written out have more than") == true)
    let often = "{repeat: {times: 1000, layers: [{repeat: {times: 1000, layers: [relu]}}]}}"
    #expect(
      faults("model: {layers: [\(often)]}").first?.contains("more than 10000 layers") == true)
    let nested = "{sequential: {layers: [\(often)]}}"
    #expect(
      faults("model: {layers: [\(nested)]}").first?.contains("more than 10000 layers") == true)
  }

  /// What was written before there were blocks is written as it was.
  @Test func otherNetworksAreWrittenAsTheyWere() throws {
    let job = try load("model: {layers: [{linear: {out: 2}}, relu]}")
    #expect(
      job.yaml().contains(
        "model: {layers: [{linear: {out: 2, bias: true}}, {relu: {}}]}\n"))
    let again = try load(
      "model: {blocks: {a: {layers: [tanh]}}, layers: [{linear: {out: 2}}, relu]}")
    #expect(again.yaml() == job.yaml())
  }

  @Test(arguments: [
    ("{concat: {branches: []}}", "expected at least one branch"),
    ("{concat: {branches: {}}}", "expected at least one branch"),
    ("{concat: {branches: 3}}", "expected a list of branches or a mapping of named ones, found 3"),
    ("{concat: {branches: {a.b: []}}}", "\"a.b\" names no branch"),
    ("{concat: {branches: {0: []}}}", "\"0\" names no branch"),
    ("{concat: {}}", "missing: lists of layers"),
    ("{sum: {branches: [relu]}}", "expected a list, found the string \"relu\""),
    ("{multiply: {branches: [[relo]]}}", "unknown layer \"relo\", did you mean relu?"),
    ("{sum: {branches: [[]], axis: 1}}", "unknown key"),
    ("{repeat: {times: -1, layers: [relu]}}", "expected an integer of at least 0"),
    ("{repeat: {layers: [relu]}}", "missing: how many times"),
    ("{one_hot: {}}", "missing: how many integers there are"),
  ])
  func branchesAreChecked(layer: String, message: String) {
    let lines = faults("model: {layers: [\(layer)]}")
    #expect(lines.count == 1 && lines[0].contains(message), "\(lines)")
  }

  /// Editors check plain chains layer by layer, and leave open what stands in for layers of blocks.
  @Test func theSchemaKnowsBlocksAndFirstValues() throws {
    let schema = try JSON(parsing: ConfigurationSchema.json())
    let choices = try schema.get("properties").get("model").get("anyOf").list()
    let chains = choices.filter { $0["properties"]?["layers"]?["type"]?.string == "array" }
    #expect(chains.contains { $0["properties"]?["layers"]?["items"]?["$ref"] != nil })
    #expect(chains.contains { $0["properties"]?["blocks"]?["type"]?.string == "object" })
    let words = try schema.get("$defs").get("layer").get("anyOf").list()
    let convolution = words.compactMap { $0["properties"]?["conv2d"] }
    #expect(
      convolution.first?["properties"]?["init"]?["$ref"]?.string == "#/$defs/init")
    #expect(try schema.get("$defs").get("init").get("anyOf").list().count == 2)
  }

  /// Sizes that no integer holds are errors.
  @Test func branchesThatAddUpToTooMuchAreRefused() throws {
    let double = "{repeat: {times: 53, layers: [{concat: {branches: [[], []]}}]}}"
    let many = [String](repeating: "[]", count: 8000).joined(separator: ", ")
    let job = try load("model: {layers: [\(double), {concat: {branches: [\(many)]}}]}")
    let error = #expect(throws: TensorError.self) {
      try LayerConfiguration.chain(try #require(job.model.layers), input: [8, 8, 3])
    }
    #expect(error?.description == "53: concat: the outputs are too large together")
  }

  /// Names of branches stay in their order, which is that of the channels.
  @Test func branchesAreWrittenInTheirOrder() throws {
    let job = try load(
      "model: {layers: [{concat: {branches: {z: [relu], a: [], m: [tanh]}}}, flatten, {linear: {out: 2}}]}"
    )
    #expect(
      job.yaml().contains(
        "{concat: {branches: {z: [{relu: {}}], a: [], m: [{tanh: {}}]}, axis: -1}}"))
    #expect(try Configuration.load(yaml: job.yaml()) == job)
  }
}
