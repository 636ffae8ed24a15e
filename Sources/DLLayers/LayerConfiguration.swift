import DLConfiguration

/// One entry of `model.layers`: `{conv2d: {out: 32, kernel: 3}}`, `{relu: {}}`, or the bare word
/// `relu`.
public struct LayerConfiguration: ConfigurationReadable, Codable {
  /// The word's options, one of the types in ``words``.
  public let options: any LayerWord
  /// The line of the file that it stands on; 0 where it comes from elsewhere.
  public let line: Int

  /// Makes a layer from its options.
  public init(_ options: some LayerWord) {
    self.options = options
    line = 0
  }

  private init(_ options: any LayerWord, line: Int) {
    self.options = options
    self.line = line
  }

  /// The word as written in the file.
  public var word: String { type(of: options).word }

  /// Layers are equal when their words and options are, wherever they were written.
  public static func == (a: Self, b: Self) -> Bool {
    func equal<Options: LayerWord>(_ options: Options) -> Bool {
      b.options as? Options == options
    }
    return equal(a.options)
  }

  /// Reads a bare word or a mapping of one key.
  public static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    let word: ConfigurationNode.Entry
    switch node.value {
    case .string(let name):
      word = .init(key: name, place: node.place, value: .init(.null, at: node.place))
    case .mapping(let entries) where entries.count == 1: word = entries[0]
    default:
      node.mismatch("a layer, as in {conv2d: {out: 32, kernel: 3}} or relu", path, &faults)
      return nil
    }
    guard let type = words.first(where: { $0.word == word.key }) else {
      let hint = suggestion(for: word.key, in: words.map { $0.word })
      let name = quoted(String(word.key.prefix(60)))
      faults.add(path, "unknown layer \(name), \(hint)", at: word.place)
      return nil
    }
    var options = word.value
    if case .null = options.value { options.value = .mapping([]) }
    let value = type.read(options, at: "\(path).\(word.key)", rule: .none, faults: &faults)
    return value.map { Self($0, line: node.place.line) }
  }

  /// A mapping of one key.
  public var node: ConfigurationNode { .init(.mapping([.init(word, options.node)])) }

  /// A reference to the definition, since residual branches hold layers themselves.
  public static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .init(["$ref": "#/$defs/layer".node])
  }

  /// The definition that ``schema(_:)`` refers to.
  package static var definition: ConfigurationNode {
    let objects = words.map { type in
      ConfigurationNode.typed(
        "object",
        [
          .init("additionalProperties", false.node),
          .init("properties", .init(.mapping([.init(type.word, type.schema(.none))]))),
          .init("required", [type.word].node),
        ])
    }
    let bare = ConfigurationNode.typed("string", [.init("enum", words.map { $0.word }.node)])
    return .init(["anyOf": .init(.list([bare] + objects))])
  }

  /// Reads a layer from any Codable format.
  public init(from decoder: any Decoder) throws {
    var faults = ConfigurationFaults()
    let node = try ConfigurationNode(from: decoder)
    guard let value = Self.read(node, at: "", rule: .none, faults: &faults) else {
      throw ConfigurationError(faults.list)
    }
    self = value
  }

  /// Writes a mapping of one key.
  public func encode(to encoder: any Encoder) throws { try node.encode(to: encoder) }
}
