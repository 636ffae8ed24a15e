import DLCore
import DLFormats

extension ConfigurationNode {
  /// Applies `key.path=value`; the value is YAML, numbers in the path index lists.
  ///
  /// What else of the file an override replaces is decided when all are applied and the tree is read:
  /// see ``ConfigurationSection/read(_:at:rule:faults:)``.
  package mutating func apply(
    override text: String, folder: String, faults: inout ConfigurationFaults
  ) {
    let place = ConfigurationPlace(source: ConfigurationPlace.overrideSource, folder: folder)
    guard let equals = text.unicodeScalars.firstIndex(of: "="), equals != text.startIndex else {
      faults.add(text, "expected KEY=VALUE, as in \(OptionName.set) optimizer.lr=0.1", at: place)
      return
    }
    let path = String(text[..<equals])
    let keys = path.parts(at: ".").map(String.init)
    guard !keys.contains(""), keys.count < Self.maximumDepth else {
      faults.add(path, "a key of the path is empty, or there are too many", at: place)
      return
    }
    do throws(ConfigurationError) {
      let value = try Self.parse(
        yaml: String(text[equals...].unicodeScalars.dropFirst()), at: place)
      if let problem = set(keys[...], to: value, at: place) { faults.add(path, problem, at: place) }
    } catch {
      for fault in error.faults { faults.add(path, fault.message, at: place) }
    }
  }

  /// Sets a value and makes the mappings on the way; gives what is wrong, or nil.
  private mutating func set(
    _ keys: ArraySlice<String>, to new: ConfigurationNode, at place: ConfigurationPlace
  ) -> String? {
    guard let key = keys.first else {
      var new = new
      new.replacedWord = replacedWord
      if case .string(let word) = value, !self.place.isOverride { new.replacedWord = word }
      self = new
      return nil
    }
    switch value {
    case .null:
      var child = ConfigurationNode(.null, at: place)
      let problem = child.set(keys.dropFirst(), to: new, at: place)
      value = .mapping([Entry(key: key, place: place, value: child)])
      return problem
    case .mapping(var entries):
      if let index = entries.firstIndex(where: { $0.key == key }) {
        let problem = entries[index].value.set(keys.dropFirst(), to: new, at: place)
        value = .mapping(entries)
        return problem
      }
      var child = ConfigurationNode(.null, at: place)
      let problem = child.set(keys.dropFirst(), to: new, at: place)
      value = .mapping(entries + [Entry(key: key, place: place, value: child)])
      return problem
    case .list(var items):
      guard let index = Int(key), items.indices.contains(index) else {
        return "\(quoted(key)) is not an index of a list of \(items.count) (counted from 0)"
      }
      let problem = items[index].set(keys.dropFirst(), to: new, at: place)
      value = .list(items)
      return problem
    case .string(let word):
      // A bare word may stand for a mapping of that word: `relu` for `{relu: {}}`.
      let options = ConfigurationNode(.mapping([]), at: self.place)
      value = .mapping([Entry(key: word, place: self.place, value: options)])
      self.place = place
      return set(keys, to: new, at: place)
    default:
      return "\(quoted(key)) cannot be set inside of \(described)"
    }
  }
}

extension ConfigurationNode {
  /// True if it holds a value from the command line, other than null.
  package var isOverridden: Bool {
    switch value {
    case .null: false
    case .mapping(let entries) where !entries.isEmpty: entries.contains { $0.value.isOverridden }
    case .list(let items) where !items.isEmpty: items.contains(where: \.isOverridden)
    default: place.isOverride
    }
  }

  /// True if it takes a value away: null from the command line, or a mapping of nothing else.
  package var isRemoval: Bool {
    switch value {
    case .null: place.isOverride
    case .mapping(let entries): !entries.isEmpty && entries.allSatisfy(\.value.isRemoval)
    default: false
    }
  }

  /// True if it gives a value: neither null nor a removal.
  package var isGiven: Bool {
    if case .null = value { return false }
    return !isRemoval
  }
}

extension [ConfigurationNode.Entry] {
  /// The keys of the file that make way for others from the command line.
  ///
  /// - Parameter alternatives: groups of keys of which one at most has a value.
  func displaced(by alternatives: [[String]]) -> Set<String> {
    var keys: Set<String> = []
    for group in alternatives {
      let given = filter { group.contains($0.key) && $0.value.isGiven }
      guard given.contains(where: \.value.isOverridden) else { continue }
      keys.formUnion(given.filter { !$0.value.isOverridden }.map(\.key))
    }
    return keys
  }

  /// The options of the file that a word from the command line makes meaningless: those that belong
  /// to other words alone, or did not belong to the file's own word, whose value then says nothing.
  ///
  /// - Parameters:
  ///   - owners: the words that have an option, by its key; an option without an entry goes with all.
  ///   - fallback: the word where the file has none.
  ///   - others: words that hold beside the chosen one.
  func displaced(
    byWord key: String, owners: [String: [String]], fallback: String?, others: [String]
  ) -> Set<String> {
    guard let chosen = first(where: { $0.key == key })?.value, chosen.isOverridden,
      case .string(let word) = chosen.value
    else { return [] }
    let before = chosen.replacedWord ?? fallback
    guard word != before else { return [] }
    let options = filter { entry in
      guard !entry.value.isOverridden, let words = owners[entry.key] else { return false }
      return [word, before].contains { name in
        !words.contains { $0 == name || others.contains($0) }
      }
    }
    return Set(options.map(\.key))
  }
}
