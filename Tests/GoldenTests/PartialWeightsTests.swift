import DLFormats
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// What of a file is taken under which name; the files are those of scripts/golden/make_weights.py
/// and make_pytorch_files.py.
@Suite struct PartialWeightsTests {
  private func network(outputs: Int = 3) -> Sequential {
    Sequential(
      Conv2d(inputChannels: 2, outputChannels: 3, kernelSize: 2), BatchNorm(features: 3), ReLU(),
      Flatten(channelsFirst: true), Linear(inputFeatures: 12, outputFeatures: outputs))
  }

  /// The same network behind names of its own.
  private final class Named: Module {
    let backbone: [Module] = [
      Conv2d(inputChannels: 2, outputChannels: 3, kernelSize: 2), BatchNorm(features: 3),
    ]
    let head = Linear(inputFeatures: 12, outputFeatures: 3)
  }

  private func source(_ name: String) throws -> any WeightSource {
    try WeightSources.open(Golden.folder + "/" + name)
  }

  private func state(_ arena: ParameterArena) throws -> [String: [Double]] {
    let named =
      try arena.parameters.map { ($0.name, try $0.layout.inFile($0.value).doubles) }
      + arena.buffers.map { ($0.name, try $0.value.doubles) }
    return Dictionary(uniqueKeysWithValues: named)
  }

  /// Loads a file into a model; the line, what the model holds, and what it held before.
  private func load(
    _ name: String, into model: Module, _ selection: WeightSelection = WeightSelection()
  ) throws -> (line: String?, state: [String: [Double]], fresh: [String: [Double]]) {
    let arena = try ParameterArena(model, context: Context())
    let fresh = try state(arena)
    let line = try StateDict(arena).loadWeights(from: source(name), selection)
    return (line?.split(separator: "/").last.map(String.init), try state(arena), fresh)
  }

  private func expected() throws -> [String: [Double]] {
    let golden = try Golden.file("pytorch")
    return try Dictionary(
      uniqueKeysWithValues: golden.tensors.filter { $0.name.hasPrefix("plain/") }.map {
        (String($0.name.dropFirst("plain/".count)), try golden.doubles($0.name))
      })
  }

  @Test(arguments: [
    ("pytorch-plain.pt", nil),
    (
      "pytorch-wrapped.pt",
      "pytorch-wrapped.pt: its names are those of the model without \"module.\""
    ),
    ("pytorch-model-key.pt", nil), ("pytorch.safetensors.index.json", nil),
  ])
  func everyFormatGivesTheSameModel(_ name: String, _ line: String?) throws {
    let loaded = try load(name, into: network())
    #expect(loaded.line == line)
    #expect(try loaded.state == expected())
  }

  @Test func namesAreMapped() throws {
    let wanted = try expected()
    for rename in [
      [
        "4.weight": "head.weight", "4.bias": "head.bias", "0.*": "backbone.0.*",
        "1.*": "backbone.1.*",
      ],
      // The pattern that tells more of a name counts.
      ["*.*": "backbone.*.*", "4.*": "head.*"],
    ] {
      let loaded = try load("pytorch-plain.pt", into: Named(), WeightSelection(rename: rename))
      #expect(loaded.line == nil)
      #expect(loaded.state["head.weight"] == wanted["4.weight"])
      #expect(loaded.state["backbone.1.running_var"] == wanted["1.running_var"])
      #expect(loaded.state["backbone.0.bias"] == wanted["0.bias"])
      // A wrapper's name is left out first where a rule does not name it.
      let wrapped = try load("pytorch-wrapped.pt", into: Named(), WeightSelection(rename: rename))
      #expect(wrapped.state == loaded.state)
      #expect(wrapped.line?.contains("without \"module.\"") == true)
    }
  }

  @Test func whatIsExceptedStartsAnew() throws {
    let wanted = try expected()
    let loaded = try load(
      "pytorch-plain.pt", into: network(outputs: 5), WeightSelection(except: ["4.*"]))
    #expect(loaded.line == "pytorch-plain.pt: took 7 of 9 tensors; 4.weight, 4.bias start anew")
    #expect(loaded.state["0.weight"] == wanted["0.weight"])
    #expect(loaded.state["4.weight"] == loaded.fresh["4.weight"])
    #expect(loaded.state["4.bias"]?.count == 5)
  }

  @Test func aPartIsTakenWhereItMayBe() throws {
    // The file has no head of that name, and one that the model has not.
    final class Other: Module {
      let backbone: [Module] = [
        Conv2d(inputChannels: 2, outputChannels: 3, kernelSize: 2), BatchNorm(features: 3),
      ]
      let classifier = Linear(inputFeatures: 12, outputFeatures: 7)
    }
    let selection = WeightSelection(
      rename: ["0.*": "backbone.0.*", "1.*": "backbone.1.*"], isStrict: false)
    let loaded = try load("pytorch-plain.pt", into: Other(), selection)
    #expect(
      loaded.line
        == "pytorch-plain.pt: took 7 of 9 tensors; 4.weight, 4.bias of the file left over; "
        + "classifier.weight, classifier.bias start anew")
    #expect(try loaded.state["backbone.0.weight"] == expected()["0.weight"])
    #expect(loaded.state["classifier.weight"] == loaded.fresh["classifier.weight"])
    let error = #expect(throws: StateDictError.self) {
      try load(
        "pytorch-plain.pt", into: Other(),
        WeightSelection(rename: ["0.*": "backbone.0.*", "1.*": "backbone.1.*"]))
    }
    #expect(error?.description.contains("classifier.weight is missing") == true)
    #expect(error?.description.contains("init.strict=false") == true)
  }

  /// As load_state_dict refuses them, strict or not.
  @Test(arguments: [true, false]) func otherShapesAreRefusedWithTheWayOut(isStrict: Bool) throws {
    let error = #expect(throws: StateDictError.self) {
      try load(
        "pytorch-plain.pt", into: network(outputs: 5), WeightSelection(isStrict: isStrict))
    }
    let text = error?.description ?? ""
    #expect(text.contains("4.weight has shape [3, 12], the model [5, 12]"), "\(text)")
    #expect(text.contains("set 'init.except=[\"4.*\"]'"), "\(text)")
    let passed = try load(
      "pytorch-plain.pt", into: network(outputs: 5),
      WeightSelection(isStrict: false, passesOtherShapes: true))
    #expect(passed.line?.hasSuffix("took 9 of 9 tensors") == false)
    #expect(passed.state["4.weight"] == passed.fresh["4.weight"])
  }

  /// A layer in the middle is named itself.
  @Test func theWayOutNamesTheTensor() throws {
    let model = Sequential(
      Conv2d(inputChannels: 2, outputChannels: 3, kernelSize: 3), BatchNorm(features: 3), ReLU(),
      Flatten(channelsFirst: true), Linear(inputFeatures: 12, outputFeatures: 3))
    let error = #expect(throws: StateDictError.self) { try load("pytorch-plain.pt", into: model) }
    #expect(error?.description.contains("set 'init.except=[\"0.weight\"]'") == true)
  }

  @Test func patternsThatMatchNothingAreFaults() throws {
    for (selection, words) in [
      (WeightSelection(rename: ["encoder.*": "0.*"]), "init.rename: \"encoder.*\" matches no name"),
      (WeightSelection(except: ["head.*"]), "init.except: \"head.*\" matches no name"),
      (WeightSelection(rename: ["0.bias": "1.bias"]), "gives two of its tensors one name"),
    ] {
      let error = #expect(throws: StateDictError.self) {
        try load("pytorch-plain.pt", into: network(), selection)
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
  }

  /// A tied weight is the model's as long as one of its names is wanted.
  @Test func exceptionsAreOfNames() throws {
    final class Tied: Module {
      let tokens = Embedding(count: 6, features: 4)
      let middle = Linear(inputFeatures: 4, outputFeatures: 4)
      let head: Linear
      override init() { head = Linear(tiedTo: tokens.weight) }
    }
    let wanted = try Golden.file("weights").doubles("tied/f32/tokens.weight")
    let one = try load(
      "weights-tied.safetensors", into: Tied(), WeightSelection(except: ["tokens.*"]))
    #expect(one.state["tokens.weight"] == wanted && one.line == nil)
    let both = try load(
      "weights-tied.safetensors", into: Tied(), WeightSelection(except: ["tokens.*", "head.*"]))
    #expect(both.state["tokens.weight"] == both.fresh["tokens.weight"])
    #expect(both.line?.hasSuffix("tokens.weight starts anew") == true)
  }
}
