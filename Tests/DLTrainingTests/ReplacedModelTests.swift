import DLConfiguration
import DLLayers
import DLModels
import DLTraining
import Testing

/// A model, a loss or a layer from the command line takes the place of the file's, in any order.
@Suite struct ReplacedModelTests {
  private static let base =
    "data: {train: x.safetensors}\nmodel: {layers: [flatten, {linear: {out: 2}}]}\n"

  /// Every pair of named models, and a chain of layers in either one's place.
  @Test func anotherModelTakesThePlaceOfTheFiles() throws {
    func load(_ model: String, _ overrides: [String] = []) throws -> ModelConfiguration {
      try Configuration.load(
        yaml: "data: {train: x}\nmodel: \(model)", folder: "/", overrides: overrides
      ).model
    }
    func keys<Options: ModelSpec>(_: Options.Type) -> [String: String] {
      var keys: [String: String] = [:]
      for field in Options.fields {
        guard let node = Options().node[field.key] else { continue }
        if case .null = node.value { continue }
        keys[field.key] = ConfigurationNode(
          .mapping([.init(key: "v", place: node.place, value: node)])
        )
        .yaml().replacing("v: ", with: "").replacing("\n", with: "")
      }
      return keys
    }
    func text(_ name: String, _ keys: [String: String]) -> String {
      "{"
        + (["name: \(name)"] + keys.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" })
        .joined(separator: ", ") + "}"
    }
    func isWhole<Options: ModelSpec>(_: Options.Type) -> Bool {
      !Options.fields.contains(where: \.isRequired) && Options().problems().isEmpty
    }
    func names<Options: ModelSpec>(_: Options.Type) -> Set<String> {
      Set(Options.fields.map(\.key))
    }
    let chain = "{layers: [flatten, {linear: {out: 2}}]}"
    let models = ModelRegistry.builtIn.filter { isWhole($0) }
    for other in ModelRegistry.builtIn where !isWhole(other) {
      #expect(throws: ConfigurationError.self, "\(other.name)") {
        try load(chain, ["model.name=\(other.name)"])
      }
    }
    for old in models {
      let theirs = keys(old)
      let file = text(old.name, theirs)
      #expect(try load(file, ["model.layers=[flatten, {linear: {out: 2}}]"]) == load(chain))
      #expect(
        try load(file, ["model.name=null", "model.layers=[flatten, {linear: {out: 2}}]"])
          == load(chain))
      #expect(
        try load(file, ["model.layers=[flatten, {linear: {out: 2}}]", "model.name=null"])
          == load(chain))
      #expect(try load(chain, ["model.name=\(old.name)"]) == load("{name: \(old.name)}"))
      for new in models where new.name != old.name {
        let known = names(new)
        let shared = theirs.filter { known.contains($0.key) }
        let pair = "\(old.name) \(new.name)"
        guard let wanted = try? load(text(new.name, shared)) else {
          // A key of both, whose value in the file is none of the other's.
          #expect(throws: ConfigurationError.self, "\(pair)") {
            try load(file, ["model.name=\(new.name)"])
          }
          continue
        }
        #expect(try load(file, ["model.name=\(new.name)"]) == wanted, "\(pair)")
      }
    }
    for name in ["gpt", "lstm_lm", "transformer"] {
      #expect(try load("{name: \(name)}", ["model.layers=2"]) == load("{name: \(name), layers: 2}"))
      #expect(
        try load("{name: \(name), layers: 3}", ["model.layers=null"]) == load("{name: \(name)}"))
      let both = ["model.layers=2", "model.name=\(name)"]
      for overrides in [both, both.reversed()] {
        #expect(try load(chain, overrides) == load("{name: \(name), layers: 2}"))
      }
      #expect(throws: ConfigurationError.self) {
        try load("{name: \(name)}", ["model.layers=[flatten]", "model.name=\(name)"])
      }
    }
  }

  /// A loss or a layer is one word: another from the command line takes its place, with its options.
  @Test func anotherWordTakesThePlaceOfTheFiles() throws {
    func loss(_ text: String, _ overrides: [String]) throws -> LossConfiguration {
      try Configuration.load(
        yaml: Self.base + "loss: \(text)", folder: "/", overrides: overrides
      ).loss
    }
    let words = LossConfiguration.optionTypes.map { $0.word }
    for old in words {
      for new in words {
        for file in [old, "{\(old): {}}"] {
          #expect(try loss(file, ["loss.\(new)={}"]).word == new)
          #expect(try loss(file, ["loss=\(new)"]).word == new)
        }
      }
    }
    for file in ["huber", "{huber: {delta: 3}}", "mse", "cross_entropy"] {
      #expect(try loss(file, ["loss.huber.delta=2"]) == loss("{huber: {delta: 2}}", []))
    }
    #expect(throws: ConfigurationError.self) {
      try loss("mse", ["loss.huber.delta=2", "loss.l1={}"])
    }
    #expect(throws: ConfigurationError.self) { try loss("mse", ["name=x", "name.y=1"]) }
    let layers = try Configuration.load(
      yaml: "data: {train: x}\nmodel: {layers: [relu, {linear: {out: 2}}]}",
      overrides: ["model.layers.0.dropout.p=0.25", "model.layers.1.linear.out=3"]
    ).model.layers
    #expect((layers?[0].options as? Dropout.Options)?.p == 0.25)
    #expect((layers?[1].options as? Linear.Options)?.out == 3)
  }
}
