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
  ///
  /// - Throws: an `EncodingError` of the encoder.
  public func encode(to encoder: any Encoder) throws { try node.encode(to: encoder) }
}

/// The options of one word of a choice.
public protocol ConfigurationOption: ConfigurationSection {
  /// The word as written in the file.
  static var word: String { get }
}

/// One of several words, each with options of its own: `{conv2d: {out: 32}}`, or a bare `relu`.
package protocol ConfigurationChoice: ConfigurationCodable, ConfigurationValue {
  /// The types that a choice is made from, one for each word.
  static var optionTypes: [any ConfigurationOption.Type] { get }
  /// The noun for the thing that a word stands for, as in "unknown layer".
  static var noun: String { get }
  /// An example of a value as it is written.
  static var example: String { get }
  /// The options of the chosen word.
  var option: any ConfigurationOption { get }
  /// Makes the choice from one of the types in ``optionTypes``; nil from any other.
  ///
  /// - Parameter line: the line of the file that it stands on; 0 where it comes from elsewhere.
  init?(option: any ConfigurationOption, line: Int)
}

extension ConfigurationChoice {
  /// The word as written in the file.
  package var word: String { type(of: option).word }

  /// Choices are equal when their words and options are, wherever they were written.
  package static func == (a: Self, b: Self) -> Bool { a.isSameChoice(as: b) }

  /// Returns whether words and options are those of another.
  package func isSameChoice(as other: Self) -> Bool {
    func equal<Option: ConfigurationOption>(_ option: Option) -> Bool {
      other.option as? Option == option
    }
    return equal(option)
  }

  /// Reads a bare word or a mapping of one key.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    readChoice(node, at: path, faults: &faults)
  }

  /// Reads a bare word or a mapping of one key, for types that read more than that.
  package static func readChoice(
    _ node: ConfigurationNode, at path: String, faults: inout ConfigurationFaults
  ) -> Self? {
    guard
      let (index, given) = node.chosenWord(
        among: optionTypes.map { $0.word }, noun, example: example, at: path, faults: &faults)
    else { return nil }
    let type = optionTypes[index]
    let value = type.read(given, at: "\(path).\(type.word)", rule: .none, faults: &faults)
    return value.flatMap { Self(option: $0, line: node.place.line) }
  }

  /// A mapping of one key.
  package var node: ConfigurationNode { choiceNode }

  /// A mapping of one key, for types that write more than that.
  package var choiceNode: ConfigurationNode { .init(.mapping([.init(word, option.node)])) }

  /// A bare word, or an object of one word.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    choiceSchema { $1 }
  }

  /// The JSON Schema of all words.
  ///
  /// - Parameter change: gives the schema of a word's options from the word and that of its keys.
  package static func choiceSchema(
    _ change: (_ word: String, _ options: ConfigurationNode) -> ConfigurationNode
  ) -> ConfigurationNode {
    .choiceSchema(optionTypes.map { ($0.word, change($0.word, $0.schema(.none))) })
  }
}

extension ConfigurationNode {
  /// Finds out which word the node names, and its options; notes a fault where it names none.
  ///
  /// - Parameters:
  ///   - noun: what a word stands for, as in "unknown layer".
  ///   - example: what one looks like.
  fileprivate func chosenWord(
    among words: [String], _ noun: String, example: String, at path: String,
    faults: inout ConfigurationFaults
  ) -> (index: Int, options: ConfigurationNode)? {
    let word: Entry
    switch (value, givenWord) {
    case (.string(let name), _):
      word = Entry(key: name, place: place, value: .init(.null, at: place))
    case (.mapping, let entry?): word = entry
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

  /// The one word of a mapping: of several the one from the command line, which takes the place of
  /// the file's; nil where it is not one.
  private var givenWord: Entry? {
    guard case .mapping(let entries) = value else { return nil }
    if entries.count == 1 { return entries[0] }
    let given = entries.filter { !$0.value.isRemoval }
    let overridden = given.filter(\.value.isOverridden)
    let chosen = overridden.isEmpty ? given : overridden
    return chosen.count == 1 ? chosen[0] : nil
  }

  /// The JSON Schema of a choice: a bare word, or an object of one word.
  fileprivate static func choiceSchema(_ words: [(word: String, options: ConfigurationNode)])
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
