import DLCore
import DLFormats
import Yams

extension ConfigurationNode {
  /// The largest configuration in bytes, nodes and levels: far beyond any real one.
  package static let maximumBytes = 1 << 20
  package static let maximumNodes = 100_000
  package static let maximumDepth = 64
  /// Aliases may repeat a block, but so few that their expansion stays small.
  package static let maximumAliases = 16
  package static let maximumBytesWithAliases = 1 << 16

  /// Composes YAML into a tree; an empty text is an empty mapping at top level.
  ///
  /// A byte-order mark is no content (YAML 1.2, 5.2).
  ///
  /// - Throws: ``ConfigurationError`` with line and column for text that is not YAML.
  package static func parse(
    yaml text: String, at place: ConfigurationPlace
  ) throws(ConfigurationError) -> ConfigurationNode {
    func fail(_ message: String, _ mark: Mark? = nil) -> ConfigurationError {
      var place = place
      if !place.isOverride, let mark { (place.line, place.column) = (mark.line, mark.column) }
      return ConfigurationError([.init(place: place, path: "", message: message)])
    }
    // libyaml would count the mark as a column, and take what follows it as indented.
    let text = text.begins(with: "\u{feff}") ? String(text.unicodeScalars.dropFirst()) : text
    guard text.utf8.count <= maximumBytes else {
      throw fail("the configuration is larger than 1 MiB: is this another file?")
    }
    let aliases = aliasCandidates(in: text)
    guard
      aliases == 0
        || (aliases <= maximumAliases && text.utf8.count <= maximumBytesWithAliases)
    else {
      throw fail("more than \(maximumAliases) YAML aliases (*name): write the values out")
    }
    do {
      // The resolver has no rules: scalars stay text until the core schema reads them.
      let parser = try Parser(yaml: text, resolver: .basic, encoding: .utf8)
      guard let root = try parser.singleRoot() else { return .init(.null, at: place) }
      var budget = maximumNodes
      return try convert(root, depth: 0, budget: &budget, place: place)
    } catch let error as ConfigurationError {
      throw error
    } catch let error as YamlError {
      let (message, mark) = explain(error)
      throw fail(message, mark)
    } catch {
      throw fail("\(error)")
    }
  }

  private static func convert(
    _ node: Node, depth: Int, budget: inout Int, place outer: ConfigurationPlace
  ) throws -> ConfigurationNode {
    var place = outer
    if !place.isOverride, let mark = node.mark {
      (place.line, place.column) = (mark.line, mark.column)
    }
    func fail(_ message: String) -> ConfigurationError {
      ConfigurationError([.init(place: place, path: "", message: message)])
    }
    budget -= 1
    guard budget >= 0 else { throw fail("more than \(maximumNodes) values in the configuration") }
    guard depth < maximumDepth else { throw fail("nested more than \(maximumDepth) levels deep") }
    switch node {
    case .scalar(let scalar):
      if scalar.style == .plain, scalar.tag.rawValue != Tag.Name.str.rawValue {
        return .init(resolvePlainScalar(scalar.string), at: place)
      }
      return .init(.string(scalar.string), at: place)
    case .sequence(let items):
      return .init(
        .list(
          try items.map {
            try convert($0, depth: depth + 1, budget: &budget, place: place)
          }), at: place)
    case .mapping(let pairs):
      var entries: [Entry] = []
      for (key, value) in pairs {
        guard case .scalar(let scalar) = key else { throw fail("a key must be a plain word") }
        var keyPlace = place
        if !place.isOverride, let mark = scalar.mark {
          (keyPlace.line, keyPlace.column) = (mark.line, mark.column)
        }
        let value = try convert(value, depth: depth + 1, budget: &budget, place: keyPlace)
        entries.append(Entry(key: scalar.string, place: keyPlace, value: value))
      }
      return .init(.mapping(entries), at: place)
    case .alias:
      throw fail("an alias without its anchor")
    }
  }

  /// Counts what may be alias tokens, never too few: Yams expands them while it composes.
  private static func aliasCandidates(in text: String) -> Int {
    var aliases = 0
    var anchors = 0
    var before = UInt8(ascii: " ")
    for byte in text.utf8 {
      if before <= UInt8(ascii: " ") || before >= 0x80 || "[]{},:-?".utf8.contains(before) {
        if byte == UInt8(ascii: "*") { aliases += 1 }
        if byte == UInt8(ascii: "&") { anchors += 1 }
      }
      before = byte
    }
    return anchors == 0 ? 0 : aliases
  }

  private static func explain(_ error: YamlError) -> (String, Mark?) {
    switch error {
    case .scanner(let context, let problem, let mark, let text),
      .parser(let context, let problem, let mark, let text),
      .composer(let context, let problem, let mark, let text):
      let lines = TextFile.withPlainLineEnds(text).parts(at: "\n")
      let line = mark.line >= 1 && mark.line <= lines.count ? lines[mark.line - 1] : ""
      let hint = line.contains("\t") ? " (YAML is indented by spaces, not by tabs)" : ""
      let about = context.map { "\($0.text) " } ?? ""
      return ("not YAML: \(about)\(problem)\(hint)".replacing("\n", with: " "), mark)
    case .duplicatedKeysInMapping(let keys, let context):
      return ("duplicate key \(keys.sorted().joined(separator: ", "))", context.mark)
    case .reader(let problem, _, _, _):
      return ("not YAML: \(problem)", nil)
    default:
      return ("not YAML: \("\(error)".replacing("\n", with: " "))", nil)
    }
  }
}
