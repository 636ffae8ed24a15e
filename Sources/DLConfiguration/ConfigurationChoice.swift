/// A readable type that goes through its node in every Codable format.
public protocol ConfigurationCodable: ConfigurationReadable, Codable {}

extension ConfigurationCodable {
  /// Reads a value from any Codable format; unknown keys are faults as they are in YAML.
  ///
  /// - Throws: ``ConfigurationError`` with all faults.
  public init(from decoder: any Decoder) throws {
    var faults = ConfigurationFaults()
    let node = try ConfigurationNode(from: decoder)
    let value = Self.read(node, at: "", rule: .none, faults: &faults)
    try faults.check()
    guard let value else { throw ConfigurationError(faults.list) }
    self = value
  }

  /// Writes the value's node.
  public func encode(to encoder: any Encoder) throws { try node.encode(to: encoder) }
}

/// One of several words, each with options of its own: `{conv2d: {out: 32}}`, or a bare `relu`.
extension ConfigurationNode {
  /// Finds out which word the node names, and its options; notes a fault where it names none.
  ///
  /// - Parameters:
  ///   - noun: what a word stands for, as in "unknown layer".
  ///   - example: what one looks like.
  package func chosenWord(
    among words: [String], _ noun: String, example: String, at path: String,
    faults: inout ConfigurationFaults
  ) -> (index: Int, options: ConfigurationNode)? {
    let word: Entry
    switch value {
    case .string(let name): word = Entry(key: name, place: place, value: .init(.null, at: place))
    case .mapping(let entries) where entries.count == 1: word = entries[0]
    default:
      let article = "aeiou".contains(noun.prefix(1)) ? "an" : "a"
      mismatch("\(article) \(noun), as in \(example)", path, &faults)
      return nil
    }
    guard let index = words.firstIndex(of: word.key) else {
      let name = quoted(String(word.key.prefix(60)))
      faults.add(
        path, "unknown \(noun) \(name), \(suggestion(for: word.key, in: words))", at: word.place)
      return nil
    }
    var options = word.value
    if case .null = options.value { options.value = .mapping([]) }
    return (index, options)
  }

  /// The JSON Schema of a choice: a bare word, or an object of one word.
  package static func choiceSchema(_ words: [(word: String, options: ConfigurationNode)])
    -> ConfigurationNode
  {
    let objects = words.map { word, options in
      typed(
        "object",
        [
          .init("additionalProperties", false.node),
          .init("properties", .init(.mapping([.init(word, options)]))),
          .init("required", [word].node),
        ])
    }
    let bare = typed("string", [.init("enum", words.map(\.word).node)])
    return .init(["anyOf": .init(.list([bare] + objects))])
  }
}
