import DLConfiguration

/// One entry of `model.layers`: `{conv2d: {out: 32, kernel: 3}}`, `{relu: {}}`, or the bare name
/// `relu`.
public struct LayerConfiguration: ConfigurationChoice {
  /// The layer's options, of a type in ``LayerRegistry``.
  package let options: any LayerSpec
  /// The line of the file that it stands on; 0 where it comes from elsewhere.
  public let line: Int

  /// Makes a layer from its options.
  public init(_ options: some LayerSpec) {
    self.options = options
    line = 0
  }

  /// Makes a layer from its options.
  public init?(option: any ConfigurationOption, line: Int) {
    guard let options = option as? any LayerSpec else { return nil }
    self.options = options
    self.line = line
  }

  /// The layer's options.
  public var option: any ConfigurationOption { options }
  /// The types in ``LayerRegistry``.
  public static var optionTypes: [any ConfigurationOption.Type] { LayerRegistry.all }
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
