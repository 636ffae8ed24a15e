import DLConfiguration
import DLLayers
import DLModels

/// The network: `{name: resnet20, ...}`, a model of ``ModelRegistry`` with its options, or `{layers: [...]}`.
public struct ModelConfiguration: ConfigurationCodable, ConfigurationValue {
  /// A model of ``ModelRegistry``.
  package var options: (any ModelSpec)?
  /// A network without code, its layers numbered as torch.nn.Sequential numbers them; blocks are
  /// written out.
  public var layers: [LayerConfiguration]?

  /// Makes the section without a network.
  package init() {}

  /// The name of the model.
  public var name: String? { options.map { type(of: $0).name } }

  /// Models are equal when their names, options and layers are.
  public static func == (a: Self, b: Self) -> Bool {
    func equal<Options: ModelSpec>(_ options: Options) -> Bool { b.options as? Options == options }
    let sameOptions = a.options.map { equal($0) } ?? (b.options == nil)
    return sameOptions && a.layers == b.layers
  }

  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }

  /// Reads a mapping with a name and the options of that model, or with layers.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    guard case .mapping(let written) = node.value else {
      node.mismatch("a mapping", path, &faults)
      return nil
    }
    var model = Self()
    let entries = resolved(written)
    let given = entries.filter(\.value.isGiven)
    let name = given.first { $0.key == "name" }
    let layers = given.first { $0.key == "layers" }
    // A model may have an option of that name, a number of layers.
    if let name, case .list? = layers?.value.value {
      let message = "give either model.name or model.layers"
      faults.add("\(path).layers", message, at: name.value.place)
      return nil
    }
    if name == nil, let layers {
      for other in given where !["layers", "blocks"].contains(other.key) {
        let hint = suggestion(for: other.key, in: ["name", "layers", "blocks"])
        faults.add("\(path).\(other.key)", "unknown key, \(hint)", at: other.place)
        return nil
      }
      model.layers = chain(
        layers.value, blocks: given.first { $0.key == "blocks" }?.value, at: path, faults: &faults)
      return model.layers == nil ? nil : model
    }
    guard let name else {
      if faults.supplied.contains(path), given.isEmpty { return model }
      let key = given.first.map { "\(path).\($0.key)" } ?? "\(path).layers"
      faults.add(key, "give model.name or model.layers", at: given.first?.place ?? node.place)
      return nil
    }
    guard
      let word = String.read(
        name.value, at: "\(path).name", rule: .none, faults: &faults)
    else { return nil }
    guard let type = ModelRegistry.all.first(where: { $0.name == word }) else {
      let hint = suggestion(for: word, in: ModelRegistry.all.map { $0.name })
      let message = "unknown model \(quoted(String(word.prefix(60)))), \(hint)"
      faults.add("\(path).name", message, at: name.value.place)
      return nil
    }
    let rest = ConfigurationNode(.mapping(entries.filter { $0.key != "name" }), at: node.place)
    model.options = type.read(rest, at: path, rule: .none, faults: &faults)
    return model.options == nil ? nil : model
  }

  /// The entries that count where the command line names another network than the file: of the file
  /// those are left that the other network has.
  private static func resolved(_ entries: [ConfigurationNode.Entry]) -> [ConfigurationNode.Entry] {
    let name = entries.first { $0.key == "name" && $0.value.isGiven }?.value
    let layers = entries.first { $0.key == "layers" && $0.value.isGiven }?.value
    var chain: ConfigurationNode?
    if case .list? = layers?.value { chain = layers }
    if let chain, chain.isOverridden, name?.isOverridden != true {
      return entries.filter { ["layers", "blocks"].contains($0.key) || $0.value.isOverridden }
    }
    guard let name, name.isOverridden, case .string(let word) = name.value else { return entries }
    let options = ModelRegistry.all.first { $0.name == word }.map { keys($0) }
    return entries.filter { entry in
      if entry.key == "name" || entry.value.isOverridden { return true }
      if entry.key == "layers", chain != nil { return false }
      return word == name.replacedWord || options?.contains(entry.key) ?? true
    }
  }

  private static func keys<Options: ModelSpec>(_: Options.Type) -> Set<String> {
    Set(Options.fields.map(\.key))
  }

  /// The name with all options, or the layers.
  package var node: ConfigurationNode {
    if let options, case .mapping(let entries) = options.node.value {
      return .init(.mapping([.init("name", type(of: options).name.node)] + entries))
    }
    return .init(.mapping(layers.map { [.init("layers", $0.node)] } ?? []))
  }

  /// One object for each named model, and one for layers.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    func object(_ properties: [ConfigurationNode.Entry], _ required: [String]) -> ConfigurationNode
    {
      .typed(
        "object",
        [
          .init("additionalProperties", false.node),
          .init("properties", .init(.mapping(properties))), .init("required", required.node),
        ])
    }
    let models = ModelRegistry.all.map { type in
      let name = ConfigurationNode.typed("string", [.init("enum", [type.name].node)])
      let options = type.schema(.none)["properties"]?.value
      guard case .mapping(let entries)? = options else { return object([.init("name", name)], []) }
      return object([.init("name", name)] + entries, ["name"])
    }
    let chain = object([.init("layers", [LayerConfiguration].schema(.none))], ["layers"])
    // What stands in for layers and for numbers is known only once it is written out.
    let blocks = object(
      [.init("layers", .typed("array")), .init("blocks", BlockDefinitions.schema)],
      ["layers", "blocks"])
    return .init(["anyOf": .init(.list(models + [chain, blocks]))])
  }
}
