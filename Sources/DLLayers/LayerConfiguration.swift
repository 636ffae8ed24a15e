import DLConfiguration

/// One entry of `model.layers`: `{conv2d: {out: 32, kernel: 3}}`, `{relu: {}}`, or the bare word
/// `relu`.
public struct LayerConfiguration: ConfigurationCodable {
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
    guard
      let (index, options) = node.chosenWord(
        among: words.map { $0.word }, "layer", example: "{conv2d: {out: 32, kernel: 3}} or relu",
        at: path, faults: &faults)
    else { return nil }
    let type = words[index]
    let value = type.read(options, at: "\(path).\(type.word)", rule: .none, faults: &faults)
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
    .choiceSchema(words.map { ($0.word, $0.schema(.none)) })
  }
}
