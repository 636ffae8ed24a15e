import DLFormats
import DLLayers
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// Weights as PyTorch programs save them (scripts/golden/make_weights.py), beside what its own
/// load_state_dict makes of them.
@Suite struct SavedWeightsTests {
  private func network(outputs: Int = 3) -> Sequential {
    Sequential(
      Conv2d(inputChannels: 2, outputChannels: 3, kernelSize: 2), BatchNorm(features: 3), ReLU(),
      Flatten(channelsFirst: true),
      Linear(inputFeatures: 12, outputFeatures: outputs))
  }

  /// What a model holds under each of its names, as it would be saved.
  private func state(_ arena: ParameterArena) throws -> [String: [Double]] {
    let named =
      try arena.parameters.map { ($0.name, try $0.layout.inFile($0.value).doubles) }
      + arena.buffers.map { ($0.name, try $0.value.doubles) }
    return Dictionary(uniqueKeysWithValues: named)
  }

  /// Loads a file and compares every number with PyTorch's.
  private func check(
    _ name: String, as expected: String, _ model: () -> Module, note: String? = nil
  ) throws {
    let golden = try Golden.file("weights")
    for (label, dtype) in [("f32", DType.float32), ("f64", .float64)] {
      let arena = try ParameterArena(model(), context: Context(precision: dtype))
      let line = try StateDict(arena).loadWeights(from: Golden.file("weights-\(name)"))
      #expect(line?.split(separator: ": ").last.map(String.init) == note, "\(name)")
      for (key, values) in try state(arena) {
        let wanted = try golden.doubles("\(expected)/\(label)/\(key)")
        #expect(values.map(\.bitPattern) == wanted.map(\.bitPattern), "\(name) \(label) \(key)")
      }
    }
  }

  @Test(arguments: ["f64", "f32", "f16", "bf16", "all-bf16"])
  func everyWidthIsReadAsLoadStateDictReadsIt(_ name: String) throws {
    try check(name, as: name) { network() }
  }

  @Test(arguments: [
    ("ddp", "\"module.\""), ("compiled", "\"_orig_mod.\""),
    ("ddp-compiled", "\"_orig_mod.\" and \"module.\""), ("averaged", "\"module.\""),
    ("lightning", "\"model.\""), ("lightning-compiled", "\"_orig_mod.\" and \"model.\""),
  ])
  func wrappersNamesAreLeftOut(_ name: String, _ leftOut: String) throws {
    try check(
      name, as: "plain", { network() }, note: "its names are those of the model without \(leftOut)")
  }

  /// safetensors.torch.save_model keeps one name of a shared weight.
  @Test func oneNameOfATiedWeightIsEnough() throws {
    final class Tied: Module {
      let tokens = Embedding(count: 6, features: 4)
      let middle = Linear(inputFeatures: 4, outputFeatures: 4)
      let head: Linear
      override init() { head = Linear(tiedTo: tokens.weight) }
    }
    try check("tied", as: "tied") { Tied() }
    // The note in the metadata holds where the model has two weights of their own.
    final class Untied: Module {
      let tokens = Embedding(count: 6, features: 4)
      let middle = Linear(inputFeatures: 4, outputFeatures: 4)
      let head = Linear(inputFeatures: 4, outputFeatures: 6, bias: false)
    }
    try check("tied", as: "tied") { Untied() }
  }

  /// A model with one more module around what the file is of.
  @Test func anInnerModulesFileIsRead() throws {
    final class Outer: Module {
      let net: Sequential
      init(_ net: Sequential) { self.net = net }
    }
    let arena = try ParameterArena(Outer(network()), context: Context())
    let line = try StateDict(arena).loadWeights(from: Golden.file("weights-f32"))
    #expect(line?.hasSuffix("its names are those of the model behind \"net.\"") == true)
    let wanted = try Golden.file("weights").doubles("f32/f32/4.weight")
    #expect(try state(arena)["net.4.weight"] == wanted)
  }

  @Test(arguments: [
    (
      "other-head", 3,
      "4.weight has shape [5, 12], the model [3, 12]; 4.bias has shape [5], the model [3]; the last layer has 5 outputs in the file and 3 in the model"
    ),
    (
      "optimizer", 3,
      "0.weight is missing (and 7 more); state.0.exp_avg is not in the model (and 17 more); it holds the state of an optimizer"
    ),
  ])
  func theCauseIsNamed(_ name: String, _ outputs: Int, _ expected: String) throws {
    let arena = try ParameterArena(network(outputs: outputs), context: Context())
    let error = #expect(throws: StateDictError.self) {
      try StateDict(arena).loadWeights(from: Golden.file("weights-\(name)"))
    }
    #expect(error?.description.contains(expected) == true, "\(error?.description ?? "")")
    #expect(error?.description.contains("the configuration it was saved with") == false)
  }

  /// Another network's file shows names of both sides, and says how to compare them.
  @Test func otherNamesAreShownOfBothSides() throws {
    let model = Sequential(
      Linear(inputFeatures: 2, outputFeatures: 2), Tanh(),
      Linear(inputFeatures: 2, outputFeatures: 1))
    let arena = try ParameterArena(model, context: Context())
    let error = #expect(throws: StateDictError.self) {
      try StateDict(arena).loadWeights(from: Golden.file("weights-tied"))
    }
    let text = error?.description ?? ""
    #expect(text.contains("0.weight is missing (and 3 more)"), "\(text)")
    #expect(text.contains("head.weight is not in the model (and 2 more)"), "\(text)")
    #expect(text.contains("dltrain inspect"), "\(text)")
  }
}
