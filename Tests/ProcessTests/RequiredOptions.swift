import DLConfiguration

/// Values for the options that a name cannot be without, as its own description of them asks for.
enum RequiredOptions {
  /// Texts like `out: 2, kernel: 2` that may make something of the type, the shortest first; the
  /// empty one where nothing is required.
  static func texts<Section: ConfigurationSection>(_: Section.Type) -> [String] {
    let schema = Section.schema(.none)
    var required: [String] = []
    if case .list(let keys)? = schema["required"]?.value { required = keys.compactMap(\.text) }
    // One of several keys that stand for each other where none has a default, and all sizes where
    // the defaults are too large.
    let sizes = Section.fields.map(\.key).filter {
      schema["properties"]?[$0]?["type"]?.text == "integer"
    }
    let choices = [[]] + Section.alternatives.flatMap { $0.map { [$0] } } + [sizes]
    return [2, 64].flatMap { size in
      choices.map { choice in
        (required + choice.filter { !required.contains($0) }).map { key in
          "\(key): \(value(schema["properties"]?[key], size))"
        }.joined(separator: ", ")
      }
    }.reduce(into: []) { texts, text in if !texts.contains(text) { texts.append(text) } }
  }

  /// A value of the type that a schema describes; sizes are `size` where they may be.
  private static func value(_ schema: ConfigurationNode?, _ size: Int) -> String {
    if case .list(let types)? = schema?["anyOf"]?.value { return value(types.first, size) }
    switch schema?["type"]?.text {
    case "boolean": return "true"
    case "integer": return "\(max(size, schema?["minimum"]?.integer ?? size))"
    case "number": return "0.5"
    case "string":
      guard case .list(let words)? = schema?["enum"]?.value else { return "x" }
      return words.first?.text ?? "x"
    case "array":
      guard let items = schema?["items"] else { return "[]" }
      switch items["type"]?.text {
      case "integer", "number": return "[\(value(items, size)), \(value(items, size))]"
      case "array": return "[[relu], []]"
      default: return "[relu]"
      }
    default: return "[relu]"
    }
  }
}

extension ConfigurationNode {
  fileprivate var text: String? {
    if case .string(let text) = value { text } else { nil }
  }

  fileprivate var integer: Int? {
    switch value {
    case .integer(let value): value
    case .number(let value): Int(exactly: value)
    default: nil
    }
  }
}
