import DLConfiguration
import DLCore

/// Replacements of values in a job's configuration, in the order of the file: `{optimizer.lr: 0.1}`.
struct StudySettings: ConfigurationValue {
  /// A value at the path of a key.
  struct Setting: Sendable, Equatable {
    let key: String
    let value: String

    /// As `--set` takes it.
    var override: String { "\(key)=\(value)" }
  }

  var settings: [Setting] = []

  static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> StudySettings? {
    guard case .mapping(let entries) = node.value else {
      node.mismatch("a mapping of keys of the job, as {optimizer.lr: 0.1}", path, &faults)
      return nil
    }
    let isValid = entries.reduce(true) { $0 && faults.takes(key: $1, path) }
    guard isValid else { return nil }
    return StudySettings(
      settings: entries.map { Setting(key: $0.key, value: $0.value.flow()) })
  }

  var node: ConfigurationNode {
    .init(.mapping(settings.map { .init($0.key, .init(.string($0.value))) }))
  }

  static func schema(_ rule: ConfigurationRule) -> ConfigurationNode { .typed("object") }
}

/// The axes of a grid: keys of the job's configuration, each with a list of values.
struct StudyGrid: ConfigurationValue {
  /// One key with its values.
  struct Axis: Sendable, Equatable {
    let key: String
    let values: [String]
  }

  var axes: [Axis] = []

  static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> StudyGrid? {
    guard case .mapping(let entries) = node.value else {
      node.mismatch("a mapping of keys to lists, as {optimizer.lr: [0.1, 0.01]}", path, &faults)
      return nil
    }
    var grid = StudyGrid()
    for entry in entries where faults.takes(key: entry, path) {
      guard case .list(let items) = entry.value.value, !items.isEmpty else {
        entry.value.mismatch("a list of values", "\(path).\(entry.key)", &faults)
        continue
      }
      let values = items.map { $0.flow() }
      if let twice = values.firstRepeated {
        faults.add("\(path).\(entry.key)", "\(twice) stands twice", at: entry.value.place)
        continue
      }
      grid.axes.append(Axis(key: entry.key, values: values))
    }
    return grid.axes.count == entries.count ? grid : nil
  }

  var node: ConfigurationNode {
    .init(
      .mapping(
        axes.map { .init($0.key, .init(.list($0.values.map { .init(.string($0)) }))) }))
  }

  static func schema(_ rule: ConfigurationRule) -> ConfigurationNode { .typed("object") }
}

extension ConfigurationFaults {
  /// Returns whether a key can be the path of a value; notes a fault where it cannot.
  fileprivate mutating func takes(key entry: ConfigurationNode.Entry, _ path: String) -> Bool {
    let parts = entry.key.parts(at: ".")
    guard !parts.contains(""), !entry.key.contains("="), entry.key.utf8.count <= 200 else {
      add(path, "expected a key of the job, as optimizer.lr", at: entry.place)
      return false
    }
    return true
  }
}

extension Array where Element: Hashable {
  /// The first element that was there before; nil where all differ.
  var firstRepeated: Element? {
    var seen: Set<Element> = []
    return first { !seen.insert($0).inserted }
  }
}
