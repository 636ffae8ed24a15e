import DLConfiguration
import DLCore
import DLLayers

/// Every key of a configuration as Markdown, from the same table as its decoder and its schema.
package enum ConfigurationReference {
  /// The whole reference: a table for each section, with type, default and meaning of each key.
  package static func markdown() -> String {
    var writer = ReferenceWriter()
    writer.section("", Configuration.schema(.none))
    writer.section("layer", LayerConfiguration.definition)
    writer.section("layer.init", InitializerConfiguration.schema(.none))
    return "# Configuration keys\n\n"
      + "A job is a YAML file of these keys; `dltrain config \(OptionName.schema)` prints the same as JSON Schema, "
      + "for editors. Made by `dltrain config \(OptionName.reference)`.\n\n"
      + writer.sections.joined(separator: "\n")
  }
}

/// Walks a JSON Schema, and writes a table for each object in it.
private struct ReferenceWriter {
  private(set) var sections: [String] = []

  /// Writes the table of an object, or of the words of a choice, and then those below it.
  mutating func section(_ path: String, _ schema: ConfigurationNode) {
    let title = path.isEmpty ? "## The file" : "## `\(path)`"
    if let properties = schema.entries("properties") {
      let index = sections.count
      sections.append("")
      sections[index] = "\(title)\n\n" + table(properties, below: path)
      return
    }
    let named = schema.named
    let words = named.isEmpty ? schema.words : []
    guard !(named.isEmpty && words.isEmpty) else { return }
    let how =
      named.isEmpty
      ? "One of these names, alone or with its options, as `{name: {key: value}}`."
      : "One of these names with its options, as `{name: NAME, key: value}`; or `{layers: [...]}` of "
        + "[layers](#layer), beside which `blocks: {NAME: {layers: [...]}}` names chains that stand for "
        + "layers, with `parameters` if they have any."
    let rows =
      words.map { optionRow($0.word, $0.options.entries("properties") ?? []) }
      + named.map { optionRow($0.name, $0.options) }
    sections.append(
      "\(title)\n\n\(how)\n\n| name | options |\n|---|---|\n" + rows.joined(separator: "\n") + "\n")
  }

  private func optionRow(_ name: String, _ options: [ConfigurationNode.Entry]) -> String {
    // What goes with every layer has a section of its own.
    let keys = options.filter { $0.value["$ref"]?.text != LayerConfiguration.startReference }
    let texts = keys.map { "\($0.key): \(typeText($0.value))\(defaultText($0.value))" }
    return "| `\(name)` | \(texts.map(escaped).joined(separator: "<br>")) |"
  }

  private mutating func table(_ properties: [ConfigurationNode.Entry], below path: String) -> String
  {
    var rows: [String] = []
    for property in properties {
      let place = path.isEmpty ? property.key : "\(path).\(property.key)"
      let meaning = property.value["description"]?.text ?? ""
      rows.append(
        "| `\(property.key)` | \(escaped(typeText(property.value))) | "
          + "\(escaped(property.value["default"].map { "`\($0.yamlFlow)`" } ?? "required")) | "
          + "\(escaped(meaning)) |")
      for nested in property.value.nested { section(place, nested) }
    }
    return "| key | type | default | meaning |\n|---|---|---|---|\n"
      + rows.joined(separator: "\n") + "\n"
  }

  private func defaultText(_ schema: ConfigurationNode) -> String {
    (schema["default"] ?? schema[ConfigurationNode.followedKey]).map { " = \($0.yamlFlow)" } ?? ""
  }

  /// The type in a few words: `integer, at least 1`, or the words that it may be.
  private func typeText(_ schema: ConfigurationNode) -> String {
    if let words = schema["enum"]?.list { return words.map(\.yamlFlow).joined(separator: ", ") }
    if let word = schema["const"] { return word.yamlFlow }
    if schema["$ref"] != nil { return "layer" }
    if let choices = schema["anyOf"]?.list {
      guard schema.named.isEmpty else { return "a name with options, or layers" }
      guard schema.words.isEmpty else { return "a name, or a name with options" }
      var texts: [String] = []
      for text in choices.map(typeText) where !texts.contains(text) { texts.append(text) }
      return texts.joined(separator: " or ")
    }
    let type = schema["type"]?.text ?? ""
    if type == "array", let items = schema["items"] { return "list of \(typeText(items))" }
    let bounds = [
      ("minimum", "at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"),
      ("exclusiveMaximum", "below"),
    ].compactMap { key, word in
      schema[key].flatMap { $0.isNoBound ? nil : "\(word) \($0.yamlFlow)" }
    }
    let name = type == "object" ? "section" : type
    return ([name] + bounds).joined(separator: ", ")
  }

  private func escaped(_ text: String) -> String { text.replacing("|", with: "\\|") }
}

extension ConfigurationNode {
  fileprivate var list: [ConfigurationNode]? {
    if case .list(let items) = value { return items }
    return nil
  }

  fileprivate var text: String? {
    if case .string(let text) = value { return text }
    return nil
  }

  /// The value on one line of YAML, a whole number without its fraction.
  fileprivate var yamlFlow: String {
    if case .number(let number) = value, let whole = Int(exactly: number) { return "\(whole)" }
    return leaves.count == 1 ? leaves[0].text : "{...}"
  }

  /// True if it is the largest value of the type, which is no bound worth telling.
  fileprivate var isNoBound: Bool {
    if case .integer(let number) = value { return number == Int.max }
    if case .number(let number) = value { return number == 2_147_483_647 }
    return false
  }

  fileprivate func entries(_ key: String) -> [Entry]? {
    guard case .mapping(let entries)? = self[key]?.value else { return nil }
    return entries
  }

  /// The names of a choice, each with the schema of its options; empty for what is none.
  fileprivate var words: [(word: String, options: ConfigurationNode)] {
    (self["anyOf"]?.list ?? []).compactMap { choice in
      guard let properties = choice.entries("properties"), properties.count == 1,
        choice["required"]?.list?.count == 1
      else { return nil }
      return (properties[0].key, properties[0].value)
    }
  }

  /// The names of a choice that are the values of its key `name`, each with its other keys.
  fileprivate var named: [(name: String, options: [Entry])] {
    (self["anyOf"]?.list ?? []).compactMap { choice in
      guard let properties = choice.entries("properties"), let first = properties.first,
        first.key == "name", let names = first.value["enum"]?.list, names.count == 1,
        let name = names[0].text
      else { return nil }
      return (name, Array(properties.dropFirst()))
    }
  }

  /// The schemas below a key that have a table of their own.
  fileprivate var nested: [ConfigurationNode] {
    if entries("properties") != nil || !words.isEmpty || !named.isEmpty { return [self] }
    if let items = self["items"] { return items.nested }
    if let values = self["additionalProperties"], values.entries("properties") != nil {
      return [values]
    }
    return (self["anyOf"]?.list ?? []).flatMap(\.nested)
  }
}
