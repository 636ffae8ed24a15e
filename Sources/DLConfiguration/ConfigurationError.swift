import DLCore

/// The faults of a configuration, all that were found, one line each.
public struct ConfigurationError: DLError, Equatable {
  /// The faults in the order in which they were found.
  package let faults: [ConfigurationFault]
  /// 64, or 74 where the file could not be read.
  public let exitCode: ExitCode

  package init(_ faults: [ConfigurationFault], exitCode: ExitCode = .usage) {
    self.faults = faults
    self.exitCode = exitCode
  }

  /// One line per fault.
  package var lines: [String] { faults.map(\.description) }

  /// The lines joined by newlines.
  public var description: String { lines.joined(separator: "\n") }
}

/// One fault of a configuration: what, where, and what to do.
package struct ConfigurationFault: CustomStringConvertible, Sendable, Equatable {
  /// The place of the faulty text.
  package let place: ConfigurationPlace
  /// The dotted path of the key, `optimizer.lr`; empty for the file as a whole.
  package let path: String
  /// The sentence that says what is wrong and what to do.
  package let message: String

  package init(place: ConfigurationPlace, path: String, message: String) {
    self.place = place
    self.path = path
    self.message = message
  }

  /// `FILE:LINE:COLUMN: KEY: MESSAGE`, or `--set KEY: MESSAGE` for an override.
  package var description: String {
    if place.line == 0, place.isOverride, !path.isEmpty {
      return "\(place.source) \(path): \(message)"
    }
    let key = path.isEmpty ? "" : "\(path): "
    return "\(place): \(key)\(message)"
  }
}

/// The place where a value was written: a file with line and column, or the command line.
package struct ConfigurationPlace: CustomStringConvertible, Sendable, Equatable {
  /// The file as the user named it, the name of a recipe, or `--set`.
  package var source: String
  /// The folder that relative paths in the value start from.
  package var folder: String
  /// The line, counted from 1; 0 where there is none.
  package var line = 0
  /// The column, counted from 1 in Unicode scalars; 0 where there is none.
  package var column = 0

  package init(source: String, folder: String, line: Int = 0, column: Int = 0) {
    self.source = source
    self.folder = folder
    self.line = line
    self.column = column
  }

  /// True if the value comes from the command line.
  package var isOverride: Bool { source == Self.overrideSource }

  /// `FILE:LINE:COLUMN`, without the numbers where there are none.
  package var description: String { line == 0 ? source : "\(source):\(line):\(column)" }

  package static var overrideSource: String { OptionName.set.description }
}

/// Collects faults while a tree is read, so that all are reported at once.
package struct ConfigurationFaults {
  /// The faults found so far.
  package private(set) var list: [ConfigurationFault] = []
  /// Keys at top level that the program itself supplies and the file may omit.
  package let supplied: Set<String>

  package init(supplied: Set<String> = []) { self.supplied = supplied }

  /// Notes a fault at a node.
  package mutating func add(_ path: String, _ message: String, at place: ConfigurationPlace) {
    list.append(ConfigurationFault(place: place, path: path, message: message))
  }

  /// Checks that no fault was found.
  ///
  /// - Throws: `ConfigurationError` of all faults, if there are any.
  package func check() throws(ConfigurationError) {
    if !list.isEmpty { throw ConfigurationError(list) }
  }
}

/// The known word nearest to a mistyped one by Levenshtein's distance, if it is near enough to be
/// meant.
package func nearestWord(to word: String, in known: [String]) -> String? {
  let typed = Array(word.lowercased().unicodeScalars.prefix(64))
  let best = known.map { (word: $0, distance: editDistance(typed, Array($0.unicodeScalars))) }
    .min { $0.distance < $1.distance }
  guard let best, best.distance <= max(1, min(typed.count, best.word.count) / 2) else { return nil }
  return best.word
}

private func editDistance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let substituted = diagonal + (x == y ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substituted, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}

/// `did you mean X?` where something is near, else the known words.
package func suggestion(for word: String, in known: [String]) -> String {
  if let nearest = nearestWord(to: word, in: known) { return "did you mean \(nearest)?" }
  return known.isEmpty ? "none is known" : "known: \(known.joined(separator: ", "))"
}
