import DLConfiguration

/// One entry of `model.layers`: `{conv2d: {out: 32, kernel: 3}}`, `{relu: {}}`, or the bare word
/// `relu`.
public struct LayerConfiguration: ConfigurationChoice {
  /// The word's options, one of the types in ``words``.
  public let options: any LayerWord
  /// The line of the file that it stands on; 0 where it comes from elsewhere.
  public let line: Int

  /// Makes a layer from its options.
  public init(_ options: some LayerWord) {
    self.options = options
    line = 0
  }

  /// Makes a layer from a word's options.
  public init?(option: any ConfigurationOption, line: Int) {
    guard let options = option as? any LayerWord else { return nil }
    self.options = options
    self.line = line
  }

  /// The word's options.
  public var option: any ConfigurationOption { options }
  /// The types of ``words``.
  public static var optionTypes: [any ConfigurationOption.Type] { words }
  /// A layer.
  public static var noun: String { "layer" }
  /// Two layers.
  public static var example: String { "{conv2d: {out: 32, kernel: 3}} or relu" }

  /// A reference to the definition, since residual branches hold layers themselves.
  public static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .init(["$ref": "#/$defs/layer".node])
  }

  /// The definition that ``schema(_:)`` refers to.
  package static var definition: ConfigurationNode { choiceSchema }
}
