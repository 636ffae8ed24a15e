/// The name of one of the types that a ``NamedChoiceSection`` knows.
package struct ChoiceName<Section: NamedChoiceSection>: ConfigurationValue, RawRepresentable,
  Hashable
{
  /// The name as written in the file.
  package let rawValue: String

  /// Makes the name of a known type; nil where none has it.
  package init?(rawValue: String) {
    guard Self.known.contains(rawValue) else { return nil }
    self.rawValue = rawValue
  }

  /// Makes the name of a type that the section lists.
  package init(_ type: any ConfigurationOption.Type) { rawValue = type.word }

  /// All known names, in the order of the section's list.
  package static var known: [String] { Section.optionTypes.map { $0.word } }

  /// Reads one of the names.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    let known = known
    guard case .string(let word) = node.value else {
      node.mismatch("one of \(known.joined(separator: ", "))", path, &faults)
      return nil
    }
    if let value = Self(rawValue: word) { return value }
    let hint = suggestion(for: word, in: known)
    faults.add(path, "unknown word \(quoted(String(word.prefix(60)))), \(hint)", at: node.place)
    return nil
  }

  /// The name.
  package var node: ConfigurationNode { .init(.string(rawValue)) }

  /// An enumeration of the names.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .typed("string", [.init("enum", known.node)])
  }
}
