import DLFormats

extension ConfigurationNode {
  /// Applies `key.path=value`; the value is YAML, numbers in the path index lists.
  ///
  /// - Parameter alternatives: groups of keys of which one replaces the others, such as epochs and
  ///   steps.
  package mutating func apply(
    override text: String, folder: String, alternatives: [[String]],
    faults: inout ConfigurationFaults
  ) {
    let place = ConfigurationPlace(source: ConfigurationPlace.overrideSource, folder: folder)
    guard let equals = text.unicodeScalars.firstIndex(of: "="), equals != text.startIndex else {
      faults.add(text, "expected KEY=VALUE, as in --set optimizer.lr=0.1", at: place)
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
      for others in alternatives where others.contains(path) {
        for other in others where other != path {
          removeValue(at: other.split(separator: ".").map(String.init)[...])
        }
      }
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
    default:
      return "\(quoted(key)) cannot be set inside of \(described)"
    }
  }

  private mutating func removeValue(at keys: ArraySlice<String>) {
    guard let key = keys.first, case .mapping(var entries) = value else { return }
    if keys.count == 1 {
      entries.removeAll { $0.key == key }
    } else if let index = entries.firstIndex(where: { $0.key == key }) {
      entries[index].value.removeValue(at: keys.dropFirst())
    }
    value = .mapping(entries)
  }
}
