import DLConfiguration

/// One entry of `model.layers`: `{conv2d: {out: 32, kernel: 3}}`, `{relu: {}}`, or the bare name
/// `relu`.
public struct LayerConfiguration: ConfigurationCodable, ConfigurationChoice {
  /// The layer's options, of a type in ``LayerRegistry``.
  package let options: any LayerSpec
  /// The first values of its parameters; nil for the layer's own.
  package var start: ParameterStart?
  /// The line of the file that it stands on; 0 where it comes from elsewhere.
  package let line: Int

  /// Makes a layer from its options.
  public init(_ options: some LayerSpec) {
    self.options = options
    line = 0
  }

  /// Makes a layer from its options.
  package init?(option: any ConfigurationOption, line: Int) {
    guard let options = option as? any LayerSpec else { return nil }
    self.options = options
    self.line = line
  }

  /// The layer's options.
  package var option: any ConfigurationOption { options }
  /// The types in ``LayerRegistry``.
  package static var optionTypes: [any ConfigurationOption.Type] { LayerRegistry.all }
  /// A layer.
  package static var noun: String { "layer" }
  /// Two layers.
  package static var example: String { "{conv2d: {out: 32, kernel: 3}} or relu" }

  /// Layers are equal when their words, options and first values are, wherever they were written.
  public static func == (a: Self, b: Self) -> Bool {
    a.isSameChoice(as: b) && a.start == b.start
  }

  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }

  /// Reads a bare word or a mapping of one key; `init` goes with the options of every word that has no
  /// such option of its own.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    var node = node
    var starts: [String: ConfigurationNode] = [:]
    if case .mapping(var words) = node.value {
      for index in words.indices {
        guard hasStart(words[index].key), case .mapping(let options) = words[index].value.value
        else { continue }
        starts[words[index].key] = options.first { $0.key == startKey }?.value
        words[index].value.value = .mapping(options.filter { $0.key != startKey })
      }
      node.value = .mapping(words)
    }
    guard var layer = readChoice(node, at: path, faults: &faults) else { return nil }
    guard let start = starts[layer.word], start.isGiven else { return layer }
    layer.start = ParameterStart.read(
      start, at: "\(path).\(layer.word).\(startKey)", rule: .none, faults: &faults)
    return layer.start == nil ? nil : layer
  }

  /// A mapping of one key.
  package var node: ConfigurationNode {
    guard let start, case .mapping(let entries) = options.node.value else { return choiceNode }
    let all = ConfigurationNode(.mapping(entries + [.init(Self.startKey, start.node)]))
    return .init(.mapping([.init(word, all)]))
  }

  /// A reference to the definition, since residual branches hold layers themselves.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .init(["$ref": "#/$defs/layer".node])
  }

  /// The definition that ``schema(_:)`` refers to.
  package static var definition: ConfigurationNode {
    choiceSchema { word, options in
      guard hasStart(word), case .mapping(var entries) = options.value,
        let index = entries.firstIndex(where: { $0.key == "properties" }),
        case .mapping(let properties) = entries[index].value.value
      else { return options }
      let reference = ConfigurationNode(["$ref": startReference.node])
      entries[index].value.value = .mapping(properties + [.init(startKey, reference)])
      return .init(.mapping(entries))
    }
  }

  /// The schema's reference to the first values of a layer's parameters.
  package static let startReference = "#/$defs/init"

  /// The definition of the first values of a layer's parameters.
  package static var startDefinition: ConfigurationNode { ParameterStart.schema(.none) }

  private static let startKey = "init"

  /// Returns whether a word takes `init`: a word that has an option of that name keeps it.
  private static func hasStart(_ word: String) -> Bool {
    func keys<Spec: LayerSpec>(_: Spec.Type) -> [String] { Spec.fields.map(\.key) }
    guard let type = LayerRegistry.all.first(where: { $0.word == word }) else { return false }
    return !keys(type).contains(startKey)
  }
}
