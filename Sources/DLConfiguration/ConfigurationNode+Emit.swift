import DLCore

extension ConfigurationNode {
  /// The tree as canonical YAML: equal trees give equal text, and the text reads back as the same
  /// tree.
  package func yaml() -> String {
    guard case .mapping(let entries) = value, !entries.isEmpty else { return flow() + "\n" }
    return block(entries, indent: "").joined(separator: "\n") + "\n"
  }

  private func block(_ entries: [Entry], indent: String) -> [String] {
    entries.flatMap { entry -> [String] in
      let key = indent + scalarText(entry.key) + ":"
      let line = key + " " + entry.value.flow()
      if line.utf8.count <= 100 { return [line] }
      switch entry.value.value {
      case .mapping(let children) where !children.isEmpty:
        return [key] + entry.value.block(children, indent: indent + "  ")
      case .list(let items) where items.contains { $0.isCollection }:
        return [key] + items.flatMap { $0.item(indent: indent + "  ") }
      default:
        return [line]
      }
    }
  }

  private func item(indent: String) -> [String] {
    let line = indent + "- " + flow()
    guard line.utf8.count > 100, case .mapping(let entries) = value, !entries.isEmpty else {
      return [line]
    }
    var lines = block(entries, indent: indent + "  ")
    lines[0] = indent + "- " + lines[0].dropFirst(indent.utf8.count + 2)
    return lines
  }

  private var isCollection: Bool {
    switch value {
    case .list, .mapping: true
    default: false
    }
  }

  /// The node on one line, as a value of `--set`.
  package func flow() -> String {
    switch value {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .number(let value): yamlText(value)
    case .string(let value): scalarText(value)
    case .list(let items): "[" + items.map { $0.flow() }.joined(separator: ", ") + "]"
    case .mapping(let entries):
      "{"
        + entries.map { scalarText($0.key) + ": " + $0.value.flow() }.joined(separator: ", ")
        + "}"
    }
  }
}

/// A number in the form that both YAML 1.1 and 1.2 readers take for a number: `5.0e-05`, `.inf`.
package func yamlText(_ value: Double) -> String {
  if value.isNaN { return ".nan" }
  if value.isInfinite { return value < 0 ? "-.inf" : ".inf" }
  let text = "\(value)"
  guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
  return text[..<exponent] + ".0" + text[exponent...]
}

/// A string as YAML: plain where every reader sees a string, else in double quotes.
private func scalarText(_ text: String) -> String {
  // Words that YAML 1.1 readers take for booleans are quoted for their sake.
  let reserved = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
  let isPlain =
    text.utf8.allSatisfy { byte in
      let isLetter = (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      return isLetter || (0x30...0x39).contains(byte) || "_-./+".utf8.contains(byte)
    } && (text.utf8.first.map { !"-.+0123456789".utf8.contains($0) } ?? false)
    && !reserved.contains(text.lowercased())
  return isPlain ? text : quoted(text)
}

/// A string in double quotes with escapes that YAML and JSON share.
package func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    default:
      let code = scalar.value
      let isUnsafe =
        code < 0x20 || (0x7F...0x9F).contains(code) || [0x2028, 0x2029, 0xFEFF].contains(code)
        || (0xFFFE...0xFFFF).contains(code)
      if isUnsafe {
        result += "\\u" + Format.padded(code, 4, radix: 16)
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
  }
  return result + "\""
}
