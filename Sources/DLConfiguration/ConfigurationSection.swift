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
  /// Groups of keys of which one at most has a value, such as epochs and steps: one from the
  /// command line takes the place of the file's.
  static var alternatives: [[String]] { get }
  /// Keys that are not written while they have their defaults, so that the text of a file that does
  /// not use them stays what it was before there were such keys.
  static var unwrittenDefaults: Set<String> { get }
}

/// A fault that concerns one or several keys of a section.
public struct ConfigurationProblem: Sendable {
  /// The keys concerned; the first one gives the place.
  package let keys: [String]
  /// The sentence that says what is wrong and what to do.
  package let message: String

  /// Makes a problem.
  public init(_ keys: String..., message: String) {
    self.keys = keys
    self.message = message
  }
}

/// One key of a section: its type, default, rule and meaning.
public struct ConfigurationField<Section: ConfigurationSection> {
  /// The key as written in the file.
  package let key: String
  /// The meaning of the key, in one line.
  package var doc: String { document() }
  /// True if the file must give it.
  package let isRequired: Bool
  /// The key whose value is the default; nil where that is a value of its own.
  let followed: String?

  let read: (inout Section, ConfigurationNode, String, inout ConfigurationFaults) -> Bool
  let write: (Section) -> ConfigurationNode
  /// The schema of the value, made only when it is asked for: reading a file asks for none.
  var typeSchema: ConfigurationNode { makeSchema() }
  let admitsNull: Bool
  private let document: () -> String
  private let makeSchema: () -> ConfigurationNode

  /// Makes a field over a property.
  ///
  /// - Parameter followed: the key whose value is the default, as
  ///   ``ConfigurationSection/resolve(given:)`` has it.
  public init<Value: ConfigurationReadable>(
    _ key: String, _ property: WritableKeyPath<Section, Value>, _ rule: ConfigurationRule,
    required: Bool = false, following followed: String? = nil, _ doc: String
  ) {
    self.key = key
    self.followed = followed
    document = { doc }
    isRequired = required
    read = { section, node, path, faults in
      guard let value = Value.read(node, at: path, rule: rule, faults: &faults) else {
        return false
      }
      section[keyPath: property] = value
      return true
    }
    write = { $0[keyPath: property].node }
    makeSchema = { Value.schema(rule) }
    admitsNull = Value.admitsNull
  }

  /// Makes a field that is optional in the file from what it does.
  init(
    key: String, doc: @escaping () -> String, typeSchema: @escaping () -> ConfigurationNode,
    admitsNull: Bool,
    read:
      @escaping (inout Section, ConfigurationNode, String, inout ConfigurationFaults) -> Bool,
    write: @escaping (Section) -> ConfigurationNode
  ) {
    self.key = key
    document = doc
    followed = nil
    isRequired = false
    self.read = read
    self.write = write
    makeSchema = typeSchema
    self.admitsNull = admitsNull
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
  /// Leaves the values as they are: no default depends on another value.
  public mutating func resolve(given: Set<String>) {}

  /// No faults beyond those of single keys.
  public func problems() -> [ConfigurationProblem] { [] }

  /// Every key goes with every other.
  public static var alternatives: [[String]] { [] }

  /// Every key is written.
  public static var unwrittenDefaults: Set<String> { [] }

  /// A mapping of the fields.
  public static var form: ConfigurationForm<Self> {
    .init(
      read: { node, path, _, faults in readSection(node, at: path, faults: &faults) },
      node: { $0.writtenFields }, schema: { _ in fieldSchema }, admitsNull: false)
  }

  /// Reads a mapping and notes every fault in it.
  ///
  /// A key from the command line takes the place of the file's alternatives to it, wherever it
  /// stands in the order of the arguments; null from there takes a value away, so that its default
  /// holds. Two alternatives from the same side are a fault.
  ///
  /// - Parameters:
  ///   - owners: the words of the key `name` that an option belongs to, by the option's key; the
  ///     others go with every word. Where the command line gives another name, the file's options go
  ///     with the old one.
  ///   - others: words that hold beside the section's own `name`.
  static func readSection(
    _ node: ConfigurationNode, at path: String, faults: inout ConfigurationFaults,
    owners: [String: [String]] = [:], others: [String] = []
  ) -> Self? {
    guard case .mapping(let written) = node.value else {
      var wanted = "a mapping"
      if !path.isEmpty, case .string(let word) = node.value,
        Self.fields.contains(where: { $0.key == "name" })
      {
        wanted += ", as in {name: \(word)}"
      }
      node.mismatch(wanted, path, &faults)
      return nil
    }
    let before = faults.list.count
    func full(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
    let fields = Self.fields
    var result = Self()
    var failed: Set<String> = []
    let entries = resolved(written, fields, owners, others)
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

  /// The entries that count: without those that others displace or take away.
  private static func resolved(
    _ entries: [ConfigurationNode.Entry], _ fields: [ConfigurationField<Self>],
    _ owners: [String: [String]], _ others: [String]
  ) -> [ConfigurationNode.Entry] {
    let nullable = Set(fields.filter { $0.admitsNull }.map(\.key))
    let known = Set(fields.map(\.key))
    var displaced = entries.displaced(by: alternatives)
    if !owners.isEmpty, let word = fields.first(where: { $0.key == "name" }),
      case .string(let fallback) = word.write(Self()).value
    {
      displaced.formUnion(
        entries.displaced(
          byWord: "name", owners: owners, fallback: fallback, others: others))
    }
    return entries.filter { entry in
      guard known.contains(entry.key), entry.value.isRemoval else {
        return !displaced.contains(entry.key)
      }
      // Null is a value where a key admits it; below a section that is not there it is nothing.
      if case .null = entry.value.value { return nullable.contains(entry.key) }
      return !nullable.contains(entry.key)
    }
  }

  /// All keys with their values, but for defaults that are not written.
  private var writtenFields: ConfigurationNode {
    let (unwritten, defaults) = (Self.unwrittenDefaults, Self())
    let fields = Self.fields.filter {
      !unwritten.contains($0.key) || $0.write(self).flow() != $0.write(defaults).flow()
    }
    return .init(.mapping(fields.map { .init($0.key, $0.write(self)) }))
  }

  /// An object schema of the fields with their defaults.
  static var fieldSchema: ConfigurationNode {
    let defaults = Self()
    let properties = fields.map { field in
      var entries: [ConfigurationNode.Entry] = [.init("description", field.doc.node)]
      if let followed = field.followed {
        entries.append(.init(ConfigurationNode.followedKey, followed.node))
      } else if !field.isRequired {
        entries.append(.init("default", field.write(defaults)))
      }
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

extension ConfigurationNode {
  /// The keyword of a schema that names the property whose value is the default.
  package static let followedKey = "x-default-of"
}
