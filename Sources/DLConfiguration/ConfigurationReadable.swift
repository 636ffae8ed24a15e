import DLCore
import DLFormats

/// A closed set of words; cases are spelled as in the file.
public protocol ConfigurationWord: ConfigurationReadable, RawRepresentable, CaseIterable, Codable
where RawValue == String {}

extension ConfigurationNode {
  package func mismatch(_ wanted: String, _ path: String, _ faults: inout ConfigurationFaults) {
    faults.add(path, "expected \(wanted), found \(described)", at: place)
  }

  package static func typed(_ type: String, _ more: [Entry] = []) -> ConfigurationNode {
    .init(.mapping([.init("type", .init(.string(type)))] + more))
  }
}

extension Bool: ConfigurationReadable, ConfigurationValue {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }
  /// Reads a value, or notes a fault.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    if case .bool(let value) = node.value { return value }
    node.mismatch("true or false", path, &faults)
    return nil
  }
  /// The value as a node.
  package var node: ConfigurationNode { .init(.bool(self)) }
  /// The JSON Schema of the type.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode { .typed("boolean") }
}

extension Int: ConfigurationReadable, ConfigurationValue {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }
  /// Reads a value, or notes a fault.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    let rule = bounded(rule)
    if case .integer(let value) = node.value, rule.admits(Double(value)) { return value }
    node.mismatch("an integer\(rule.described)", path, &faults)
    return nil
  }
  /// The value as a node.
  package var node: ConfigurationNode { .init(.integer(self)) }
  /// The JSON Schema of the type.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .typed("integer", bounded(rule).schema)
  }

  /// Products of two values stay within an Int.
  private static func bounded(_ rule: ConfigurationRule) -> ConfigurationRule {
    guard rule.maximum == nil, rule.exclusiveMaximum == nil else { return rule }
    var rule = rule
    rule.maximum = Double(Int32.max)
    return rule
  }
}

extension UInt64: ConfigurationReadable, ConfigurationValue {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }
  /// Reads a value, or notes a fault.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    if case .integer(let value) = node.value, value >= 0 { return UInt64(value) }
    node.mismatch("an integer from 0 to 9223372036854775807", path, &faults)
    return nil
  }
  /// The value as a node.
  package var node: ConfigurationNode { .init(.integer(Int(clamping: self))) }
  /// The JSON Schema of the type.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .typed("integer", [.init("minimum", 0.node), .init("maximum", Int.max.node)])
  }
}

extension Double: ConfigurationReadable, ConfigurationValue {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }
  /// Reads a value, or notes a fault.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    switch node.value {
    case .integer(let value) where rule.admits(Double(value)): return Double(value)
    case .number(let value) where rule.admits(value): return value
    default:
      node.mismatch("a finite number\(rule.described)", path, &faults)
      return nil
    }
  }
  /// The value as a node.
  package var node: ConfigurationNode { .init(.number(self)) }
  /// The JSON Schema of the type.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .typed("number", rule.schema)
  }
}

extension String: ConfigurationReadable, ConfigurationValue {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }
  /// Reads a value, or notes a fault.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    if rule.allowsSeveral { return readSeveral(node, at: path, rule: rule, faults: &faults) }
    guard case .string(let value) = node.value else {
      node.mismatch("a string", path, &faults)
      return nil
    }
    guard rule.isPath, !rule.exemptPrefixes.contains(where: { value.begins(with: $0) }) else {
      return value
    }
    guard !value.isEmpty, !value.utf8.contains(0) else {
      node.mismatch("a path", path, &faults)
      return nil
    }
    return value.begins(with: "/") || node.place.folder.isEmpty
      ? value : joinedPath(node.place.folder, value)
  }
  /// The names of `{FIRST,SECOND}`; nil for any other text.
  private static func listed(_ text: String) -> [String]? {
    guard text.begins(with: "{"), text.ends(with: "}") else { return nil }
    let inner = String(text.unicodeScalars.dropFirst().dropLast())
    return inner.utf8.contains { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "}") }
      ? nil : inner.parts(at: ",").map(String.init)
  }

  /// Reads a path, or a list of paths as `{FIRST,SECOND}`, which reads back as the same.
  private static func readSeveral(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    var rule = rule
    rule.allowsSeveral = false
    let items: [ConfigurationNode]
    if case .list(let list) = node.value {
      items = list
    } else if case .string(let text) = node.value, let names = listed(text) {
      items = names.map { ConfigurationNode(.string($0), at: node.place) }
    } else {
      return read(node, at: path, rule: rule, faults: &faults)
    }
    let paths = items.enumerated().map { index, item in
      read(item, at: "\(path).\(index)", rule: rule, faults: &faults)
    }
    let found = paths.compactMap { $0 }
    guard !found.isEmpty, found.count == paths.count else {
      if items.isEmpty { node.mismatch("a path, or a list of paths", path, &faults) }
      return nil
    }
    if found.count == 1 { return found[0] }
    guard !found.contains(where: { $0.utf8.contains { Array("{,}".utf8).contains($0) } }) else {
      node.mismatch("names without braces and commas", path, &faults)
      return nil
    }
    return "{" + found.joined(separator: ",") + "}"
  }
  /// The value as a node.
  package var node: ConfigurationNode { .init(.string(self)) }
  /// The JSON Schema of the type.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    guard rule.allowsSeveral else { return .typed("string") }
    let list = ConfigurationNode.typed("array", [.init("items", .typed("string"))])
    return .init(["anyOf": .init(.list([.typed("string"), list]))])
  }
}

extension Optional: ConfigurationReadable, ConfigurationValue where Wrapped: ConfigurationReadable {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init(admitsNull: true) }
  /// Reads a value, or notes a fault.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    if case .null = node.value { return .some(.none) }
    return Wrapped.read(node, at: path, rule: rule, faults: &faults).map { .some($0) }
  }
  /// The value as a node.
  package var node: ConfigurationNode { self?.node ?? .init(.null) }
  /// The JSON Schema of the type.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .init(["anyOf": .init(.list([Wrapped.schema(rule), .typed("null")]))])
  }
}

extension Array: ConfigurationReadable, ConfigurationValue where Element: ConfigurationReadable {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }
  /// Reads a value, or notes a fault.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    guard case .list(let items) = node.value, rule.count == nil || rule.count == items.count else {
      node.mismatch(rule.count.map { "a list of \($0)" } ?? "a list", path, &faults)
      return nil
    }
    var rule = rule
    rule.count = nil
    let values = items.enumerated().map { index, item in
      Element.read(item, at: "\(path).\(index)", rule: rule, faults: &faults)
    }
    let found = values.compactMap { $0 }
    return found.count == values.count ? found : nil
  }
  /// The value as a node.
  package var node: ConfigurationNode { .init(.list(map(\.node))) }
  /// The JSON Schema of the type.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    var inner = rule
    inner.count = nil
    let count = rule.count.map(\.node)
    let bounds = count.map { [("minItems", $0), ("maxItems", $0)] } ?? []
    return .typed(
      "array", [.init("items", Element.schema(inner))] + bounds.map { .init($0.0, $0.1) })
  }
}

extension Dictionary: ConfigurationReadable, ConfigurationValue
where Key == String, Value: ConfigurationReadable {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }
  /// Reads a mapping with any keys.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    guard case .mapping(let written) = node.value else {
      node.mismatch("a mapping", path, &faults)
      return nil
    }
    var result = Self()
    let entries = written.filter { Value.admitsNull || !$0.value.isRemoval }
    for entry in entries {
      result[entry.key] = Value.read(
        entry.value, at: "\(path).\(entry.key)", rule: rule, faults: &faults)
    }
    return result.count == entries.count ? result : nil
  }
  /// The value as a node, its keys sorted.
  package var node: ConfigurationNode {
    .init(.mapping(sorted { $0.key < $1.key }.map { .init($0.key, $0.value.node) }))
  }
  /// The JSON Schema of the type.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .typed("object", [.init("additionalProperties", Value.schema(rule))])
  }
}

extension ConfigurationWord {
  /// The word itself; its schema is an enumeration.
  public static var form: ConfigurationForm<Self> {
    .init(
      read: { readWord($0, at: $1, rule: $2, faults: &$3) }, node: { .init(.string($0.rawValue)) },
      schema: { _ in .typed("string", [.init("enum", words.node)]) }, admitsNull: false)
  }

  private static func readWord(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    guard case .string(let word) = node.value else {
      node.mismatch("one of \(words.joined(separator: ", "))", path, &faults)
      return nil
    }
    if let value = Self(rawValue: word) { return value }
    let hint = suggestion(for: word, in: words)
    faults.add(path, "unknown word \(quoted(String(word.prefix(60)))), \(hint)", at: node.place)
    return nil
  }

  private static var words: [String] { allCases.map(\.rawValue) }
}
