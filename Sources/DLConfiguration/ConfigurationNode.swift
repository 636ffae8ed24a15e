import DLCore
import DLFormats

/// A configuration as a tree of values that know where they were written.
package struct ConfigurationNode: Sendable {
  /// The content of a node; scalars are already resolved by YAML's core schema.
  package enum Value: Sendable {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([ConfigurationNode])
    case mapping([Entry])
  }

  /// One key of a mapping with its value, in the order of the file.
  package struct Entry: Sendable {
    /// The key.
    package var key: String
    /// The place of the key.
    package var place: ConfigurationPlace
    /// Its value.
    package var value: ConfigurationNode

    /// Makes an entry.
    package init(key: String, place: ConfigurationPlace, value: ConfigurationNode) {
      self.key = key
      self.place = place
      self.value = value
    }
  }

  /// The node's content.
  package var value: Value
  /// The place where it was written.
  package var place: ConfigurationPlace
  /// The word of the file that an override stands in place of; nil where there was none.
  package var replacedWord: String?

  /// Makes a node.
  package init(_ value: Value, at place: ConfigurationPlace? = nil) {
    self.value = value
    self.place = place ?? ConfigurationPlace(source: "", folder: "")
  }

  /// Makes a mapping from keys and values in their order.
  package init(_ pairs: KeyValuePairs<String, ConfigurationNode>) {
    self.init(.mapping(pairs.map { .init($0.key, $0.value) }))
  }

  /// The value of a key, if this is a mapping that has it.
  package subscript(key: String) -> ConfigurationNode? {
    guard case .mapping(let entries) = value else { return nil }
    return entries.first { $0.key == key }?.value
  }

  /// The values below this node by their dotted paths; a list is one value.
  package var leaves: [(path: String, text: String)] {
    guard case .mapping(let entries) = value, !entries.isEmpty else {
      return [("", flow())]
    }
    return entries.flatMap { entry in
      entry.value.leaves.map { path, text in
        (path.isEmpty ? entry.key : "\(entry.key).\(path)", text)
      }
    }
  }

  /// The node as a message names it: `the string "abc"`.
  package var described: String {
    switch value {
    case .null: "nothing (null)"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): "\(yamlText(value))"
    case .string(let value): "the string \(quoted(String(value.prefix(60))))"
    case .list(let items): "a list of \(items.count)"
    case .mapping: "a mapping"
    }
  }
}

extension ConfigurationNode.Entry {
  package init(_ key: String, _ value: ConfigurationNode) {
    self.init(key: key, place: value.place, value: value)
  }
}

extension ConfigurationNode: Codable {
  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Reads any tree of scalars, lists and mappings.
  ///
  /// - Throws: a `DecodingError` where the tree holds another kind of value.
  package init(from decoder: any Decoder) throws {
    let path = decoder.codingPath.map(\.stringValue).joined(separator: ".")
    let place = ConfigurationPlace(source: path, folder: "")
    if let keyed = try? decoder.container(keyedBy: Key.self) {
      let keys = keyed.allKeys.sorted { $0.stringValue < $1.stringValue }
      let entries = try keys.map {
        Entry($0.stringValue, try keyed.decode(ConfigurationNode.self, forKey: $0))
      }
      self.init(.mapping(entries), at: place)
    } else if var items = try? decoder.unkeyedContainer() {
      var list: [ConfigurationNode] = []
      while !items.isAtEnd { list.append(try items.decode(ConfigurationNode.self)) }
      self.init(.list(list), at: place)
    } else {
      let scalar = try decoder.singleValueContainer()
      if scalar.decodeNil() {
        self.init(.null, at: place)
      } else if let value = try? scalar.decode(Bool.self) {
        self.init(.bool(value), at: place)
      } else if let value = try? scalar.decode(Int.self) {
        self.init(.integer(value), at: place)
      } else if let value = try? scalar.decode(Double.self) {
        self.init(.number(value), at: place)
      } else {
        self.init(.string(try scalar.decode(String.self)), at: place)
      }
    }
  }

  /// Writes the tree without its places.
  ///
  /// - Throws: an `EncodingError` of the encoder.
  package func encode(to encoder: any Encoder) throws {
    switch value {
    case .list(let items):
      var container = encoder.unkeyedContainer()
      for item in items { try container.encode(item) }
    case .mapping(let entries):
      var container = encoder.container(keyedBy: Key.self)
      for entry in entries {
        try container.encode(entry.value, forKey: Key(stringValue: entry.key))
      }
    case .null:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    case .bool(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    case .integer(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    case .number(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    case .string(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    }
  }
}

/// A path relative to a folder, or itself where it is absolute.
package func joinedPath(_ folder: String, _ path: String) -> String {
  if path.begins(with: "/") { return path }
  var rest = path.unicodeScalars[...]
  while rest.starts(with: "./".unicodeScalars) { rest = rest.dropFirst(2) }
  return folder + (folder.ends(with: "/") ? "" : "/") + String(rest)
}
