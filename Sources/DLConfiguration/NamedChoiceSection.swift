import Synchronization

/// A section whose key `name` chooses one of several types, with the options of that type beside
/// the section's own keys: `{name: adamw, lr: 0.001, betas: [0.9, 0.99]}`.
///
/// The types are listed in ``optionTypes`` and describe their options themselves. Keys of one name
/// in several types are of one type and mean the same. Which types have an option, its default under
/// each, and which options of a file another name from the command line displaces follow from the
/// list.
package protocol NamedChoiceSection: ConfigurationSection {
  /// The types, one for each name.
  static var optionTypes: [any ConfigurationOption.Type] { get }
  /// The keys that go with every name, `name` among them.
  static var sharedFields: [ConfigurationField<Self>] { get }
  /// Groups of shared keys of which one at most has a value.
  static var sharedAlternatives: [[String]] { get }
  /// The keys that are written under every name, in this order; other options are written behind
  /// them, and only under the names that have them.
  ///
  /// The first versions wrote all options of all names. Configurations of stored runs and their
  /// fingerprints have that text, so their keys stay; an option that is added later is not listed.
  static var writtenKeys: [String] { get }
  /// The chosen name.
  var name: ChoiceName<Self> { get set }
  /// Names that are in use beside the chosen one, such as those of groups of parameters.
  var otherNames: [ChoiceName<Self>] { get }
  /// The options that were given.
  var options: ChosenOptions { get set }
  /// Names that are in use beside the chosen one in a mapping that is not read yet.
  static func otherNames(in node: ConfigurationNode) -> [String]
}

/// The options that a ``NamedChoiceSection`` was given, by their keys.
package struct ChosenOptions: Sendable {
  var values: [String: ConfigurationNode] = [:]

  /// Makes a set without options.
  package init() {}
}

extension NamedChoiceSection {
  /// No shared keys exclude each other.
  package static var sharedAlternatives: [[String]] { [] }

  /// No name is in use beside the chosen one.
  package var otherNames: [ChoiceName<Self>] { [] }

  /// No name is in use beside the chosen one.
  package static func otherNames(in node: ConfigurationNode) -> [String] { [] }

  /// A mapping of the fields of the names in use.
  package static var form: ConfigurationForm<Self> {
    .init(
      read: { node, path, _, faults in
        readSection(
          node, at: path, faults: &faults, owners: optionOwners, others: otherNames(in: node))
      }, node: { $0.usedFields }, schema: { _ in fieldSchema }, admitsNull: false)
  }

  /// The shared keys and the options of all types.
  package static var fields: [ConfigurationField<Self>] {
    let shared = sharedFields
    var seen = Set(shared.map(\.key))
    var fields = shared
    for type in optionTypes { fields += optionFields(of: type, unless: &seen) }
    let order = writtenKeys
    func place(_ key: String) -> Int { order.firstIndex(of: key) ?? order.count }
    return fields.enumerated().sorted {
      (place($0.element.key), $0.offset) < (place($1.element.key), $1.offset)
    }.map(\.element)
  }

  /// Groups of keys of which one at most has a value: shared ones, and those of each type.
  package static var alternatives: [[String]] {
    optionTypes.reduce(into: sharedAlternatives) { groups, type in
      groups += type.alternatives.filter { !groups.contains($0) }
    }
  }

  /// The names that have an option, by the option's key.
  package static var optionOwners: [String: [String]] {
    let shared = Set(sharedFields.map(\.key))
    var owners: [String: [String]] = [:]
    for type in optionTypes {
      for (key, _) in OptionDefaults.of(type) where !shared.contains(key) {
        owners[key, default: []].append(type.word)
      }
    }
    return owners
  }

  /// The default of the first type that has an option.
  static func firstDefault(_ key: String) -> ConfigurationNode? {
    for type in optionTypes {
      if let node = OptionDefaults.of(type).first(where: { $0.key == key })?.value { return node }
    }
    return nil
  }

  /// The type of a name.
  static func optionType(_ name: ChoiceName<Self>) -> (any ConfigurationOption.Type)? {
    optionTypes.first { $0.word == name.rawValue }
  }

  /// The fields of a type's options that no type before it has.
  private static func optionFields<Option: ConfigurationOption>(
    of type: Option.Type, unless seen: inout Set<String>
  ) -> [ConfigurationField<Self>] {
    let defaults = OptionDefaults.of(type)
    guard !defaults.allSatisfy({ seen.contains($0.key) }) else { return [] }
    return zip(type.fields, defaults).filter { seen.insert($0.0.key).inserted }.map {
      field, fallback in
      ConfigurationField(
        option: field, default: fallback.value,
        doc: { "\(field.doc) (\(ownersText(fallback.key)))" })
    }
  }

  /// The names that have an option, each with its default where that differs from the first one's.
  private static func ownersText(_ key: String) -> String {
    var first: String?
    return optionTypes.compactMap { type in
      let node = OptionDefaults.of(type).first { $0.key == key }?.value
      guard let text = node?.flow() else { return nil }
      defer { first = first ?? text }
      return first == nil || first == text ? type.word : "\(type.word) \(text)"
    }.joined(separator: ", ")
  }
}

extension ConfigurationField where Section: NamedChoiceSection {
  /// Makes a field over an option of a type, which the section keeps as it is written.
  fileprivate init<Option: ConfigurationOption>(
    option field: ConfigurationField<Option>, default fallback: ConfigurationNode,
    doc: @escaping () -> String
  ) {
    let key = field.key
    self.init(
      key: key, doc: doc, typeSchema: { field.typeSchema }, admitsNull: field.admitsNull,
      read: { section, node, path, faults in
        var option = Option()
        guard field.read(&option, node, path, &faults) else { return false }
        section.options.values[key] = field.write(option)
        return true
      },
      write: { $0.options.values[key] ?? fallback })
  }
}

extension ConfigurationSection {
  /// Makes a section from values that were read before.
  static func assembled(from values: [String: ConfigurationNode], given: Set<String>) -> Self {
    var result = Self()
    var faults = ConfigurationFaults()
    for field in fields {
      if let node = values[field.key] { _ = field.read(&result, node, field.key, &faults) }
    }
    result.resolve(given: given)
    return result
  }
}

/// The defaults of options, kept for each type since they are asked for at every key.
enum OptionDefaults {
  private static let known = Mutex<[ObjectIdentifier: [(key: String, value: ConfigurationNode)]]>(
    [:])

  /// The keys of a type with their defaults as they are written.
  static func of<Option: ConfigurationOption>(_ type: Option.Type)
    -> [(key: String, value: ConfigurationNode)]
  {
    if let found = known.withLock({ $0[ObjectIdentifier(type)] }) { return found }
    let option = type.init()
    let defaults = type.fields.map { (key: $0.key, value: $0.write(option)) }
    known.withLock { $0[ObjectIdentifier(type)] = defaults }
    return defaults
  }
}
