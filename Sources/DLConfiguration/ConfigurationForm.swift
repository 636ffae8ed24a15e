/// A type of which a configuration can hold values.
public protocol ConfigurationReadable: Sendable, Equatable {
  /// The way in which values are read from a configuration, written to one and described.
  static var form: ConfigurationForm<Self> { get }
}

/// The way in which a configuration holds values of a type.
///
/// Numbers, texts, words, lists, options and sections have one; own types are made of them.
public struct ConfigurationForm<Value> {
  /// Reads a node; notes every fault with its place and path, and gives nil then.
  let read:
    (
      _ node: ConfigurationNode, _ path: String, _ rule: ConfigurationRule,
      _ faults: inout ConfigurationFaults
    ) -> Value?
  /// The value as a node that reads back as an equal value.
  let node: (Value) -> ConfigurationNode
  /// The JSON Schema of the type under a rule.
  let schema: (ConfigurationRule) -> ConfigurationNode
  /// True if null is one of its values.
  let admitsNull: Bool
}

/// A type of dltrain's own that says itself how a configuration holds its values.
package protocol ConfigurationValue: ConfigurationReadable {
  /// Reads a node; notes every fault with its place and path, and gives nil then.
  static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self?
  /// The value as a node that reads back as an equal value.
  var node: ConfigurationNode { get }
  /// The JSON Schema of the type under a rule.
  static func schema(_ rule: ConfigurationRule) -> ConfigurationNode
}

extension ConfigurationForm where Value: ConfigurationValue {
  /// Makes the form from what the type says.
  package init(admitsNull: Bool = false) {
    self.init(
      read: { Value.read($0, at: $1, rule: $2, faults: &$3) }, node: { $0.node },
      schema: { Value.schema($0) }, admitsNull: admitsNull)
  }
}

extension ConfigurationValue {
  /// The form that the type's own members make.
  package static var form: ConfigurationForm<Self> { .init() }
}

extension ConfigurationReadable {
  /// Reads a node; notes every fault with its place and path, and gives nil then.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    form.read(node, path, rule, &faults)
  }

  /// The value as a node that reads back as an equal value.
  package var node: ConfigurationNode { Self.form.node(self) }

  /// The JSON Schema of the type under a rule.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode { form.schema(rule) }

  /// True if null is one of its values.
  package static var admitsNull: Bool { form.admitsNull }
}
