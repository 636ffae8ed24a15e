/// A part of a configuration: a struct whose one table of fields gives decoder, encoder, checks and
/// schema.
///
/// The defaults are those of `init()`. Codable goes through the same table.
public protocol ConfigurationSection: ConfigurationCodable {
  /// Makes the section with its defaults.
  init()
  /// The keys, in the order in which they are written.
  static var fields: [ConfigurationField<Self>] { get }
  /// Completes defaults that depend on other values; `given` holds the keys that the file names.
  mutating func resolve(given: Set<String>)
  /// Faults that concern several keys at once.
  func problems() -> [ConfigurationProblem]
}

/// A fault that concerns one or several keys of a section.
public struct ConfigurationProblem: Sendable {
  /// The keys concerned; the first one gives the place.
  public let keys: [String]
  /// What is wrong and what to do.
  public let message: String

  /// Makes a problem.
  public init(_ keys: String..., message: String) {
    self.keys = keys
    self.message = message
  }
}

/// One key of a section: its type, default, rule and meaning.
public struct ConfigurationField<Section: ConfigurationSection> {
  /// The key as written in the file.
  public let key: String
  /// What it means, in one line.
  public let doc: String
  /// Whether the file must give it.
  public let isRequired: Bool

  let read: (inout Section, ConfigurationNode, String, inout ConfigurationFaults) -> Bool
  let write: (Section) -> ConfigurationNode
  let agrees: (Section, Section) -> Bool
  let typeSchema: ConfigurationNode

  /// Makes a field over a property.
  public init<Value: ConfigurationReadable>(
    _ key: String, _ property: WritableKeyPath<Section, Value>, _ rule: ConfigurationRule,
    required: Bool = false, _ doc: String
  ) {
    self.key = key
    self.doc = doc
    isRequired = required
    read = { section, node, path, faults in
      guard let value = Value.read(node, at: path, rule: rule, faults: &faults) else {
        return false
      }
      section[keyPath: property] = value
      return true
    }
    write = { $0[keyPath: property].node }
    agrees = { $0[keyPath: property] == $1[keyPath: property] }
    typeSchema = Value.schema(rule)
  }

  /// Makes a field without a rule.
  public init<Value: ConfigurationReadable>(
    _ key: String, _ property: WritableKeyPath<Section, Value>, required: Bool = false,
    _ doc: String
  ) {
    self.init(key, property, .none, required: required, doc)
  }
}

extension ConfigurationSection {
  /// Nothing depends on other values.
  public mutating func resolve(given: Set<String>) {}

  /// No faults beyond those of single keys.
  public func problems() -> [ConfigurationProblem] { [] }

  /// A problem for each option that is not at its default though none of the chosen words has it.
  ///
  /// A written configuration names every option, so a default is no sign of one.
  package func misplacedOptions<Word: ConfigurationWord>(
    _ chosen: [Word], _ options: [(key: String, owners: [Word])]
  ) -> [ConfigurationProblem] {
    let defaults = Self()
    return Self.fields.compactMap { field in
      guard let owners = options.first(where: { $0.key == field.key })?.owners,
        !owners.contains(where: chosen.contains), !field.agrees(self, defaults)
      else { return nil }
      let names = owners.map(\.rawValue).joined(separator: ", ")
      return .init(
        field.key, "name", message: "only \(names) \(owners.count == 1 ? "has" : "have") it")
    }
  }

  /// Reads a mapping and notes every fault in it.
  public static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    guard case .mapping(let entries) = node.value else {
      node.mismatch("a mapping", path, &faults)
      return nil
    }
    let before = faults.list.count
    func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
    let fields = Self.fields
    var result = Self()
    var failed: Set<String> = []
    for entry in entries {
      guard let field = fields.first(where: { $0.key == entry.key }) else {
        let hint = suggestion(for: entry.key, in: fields.map(\.key))
        faults.add(full(String(entry.key.prefix(60))), "unknown key, \(hint)", at: entry.place)
        continue
      }
      if !field.read(&result, entry.value, full(entry.key), &faults) { failed.insert(entry.key) }
    }
    let given = Set(entries.map(\.key))
    for field in fields where field.isRequired && !given.contains(field.key) {
      failed.insert(field.key)
      if path.isEmpty, faults.supplied.contains(field.key) { continue }
      faults.add(full(field.key), "missing: \(field.doc)", at: node.place)
    }
    result.resolve(given: given)
    let isSupplied = faults.supplied.contains(path)
    for problem in isSupplied ? [] : result.problems() where failed.isDisjoint(with: problem.keys) {
      let key = problem.keys.first { given.contains($0) } ?? problem.keys.first
      let place = entries.first { $0.key == key }?.value.place ?? node.place
      faults.add(key.map(full) ?? path, problem.message, at: place)
    }
    return faults.list.count == before ? result : nil
  }

  /// All keys with their values.
  public var node: ConfigurationNode {
    .init(.mapping(Self.fields.map { .init($0.key, $0.write(self)) }))
  }

  /// An object schema of the fields with their defaults.
  public static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    let defaults = Self()
    let properties = fields.map { field in
      var entries: [ConfigurationNode.Entry] = [.init("description", field.doc.node)]
      if !field.isRequired { entries.append(.init("default", field.write(defaults))) }
      if case .mapping(let type) = field.typeSchema.value { entries += type }
      return ConfigurationNode.Entry(field.key, .init(.mapping(entries)))
    }
    return .typed(
      "object",
      [
        .init("additionalProperties", false.node),
        .init("properties", .init(.mapping(properties))),
        .init("required", fields.filter(\.isRequired).map(\.key).node),
      ])
  }
}
