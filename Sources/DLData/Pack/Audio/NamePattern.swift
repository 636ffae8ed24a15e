import DLCore

/// The meaning of the parts of a file's name, as `{digit}_{speaker}_{index}`.
struct NamePattern {
  /// The names of the fields, in their order.
  let fields: [String]
  /// The text before the first field, between fields, and behind the last.
  private let literals: [Substring]
  /// True if folders are part of the name.
  let hasFolders: Bool

  /// Reads a pattern.
  ///
  /// - Throws: `DataError` for braces that do not fit, fields of one name, and fields that nothing
  ///   parts.
  init(_ text: String) throws {
    func fault(_ what: String) -> DataError {
      DataError("label: \"\(text)\" \(what), give a pattern such as {digit}_{speaker}_{index}")
    }
    var (literals, fields): ([Substring], [String]) = ([], [])
    var rest = text[...]
    while true {
      let parts = rest.parts(at: "{", limit: 1)
      guard !parts[0].unicodeScalars.contains("}") else { throw fault("closes no brace") }
      literals.append(parts[0])
      guard parts.count == 2 else { break }
      let inner = parts[1].parts(at: "}", limit: 1)
      guard inner.count == 2, !inner[0].isEmpty, !inner[0].unicodeScalars.contains("{") else {
        throw fault("has a field without a name or a closing brace")
      }
      fields.append(String(inner[0]))
      rest = inner[1]
    }
    guard !fields.isEmpty, Set(fields.map { ScalarString($0) }).count == fields.count else {
      throw fault("has no field, or two of one name")
    }
    guard literals.dropFirst().dropLast().allSatisfy({ !$0.isEmpty }) else {
      throw fault("has two fields with nothing between them")
    }
    (self.literals, self.fields) = (literals, fields)
    hasFolders = text.utf8.contains(UInt8(ascii: "/"))
  }

  /// The place of a field.
  ///
  /// - Throws: `DataError` where there is none of the name.
  func place(_ field: String, option: String) throws -> Int {
    guard let place = fields.firstIndex(where: { $0.hasScalars(of: field) }) else {
      throw DataError(
        "\(option): \"\(field)\" is no field of the pattern, known: "
          + fields.joined(separator: ", "))
    }
    return place
  }

  /// The texts of the fields, each up to what stands behind it first; nil where a name is of another
  /// form.
  func match(_ name: Substring) -> [String]? {
    guard name.begins(with: literals[0]) else { return nil }
    var rest = Array(name.utf8.dropFirst(literals[0].utf8.count))[...]
    var values: [String] = []
    for (index, literal) in literals.dropFirst().enumerated() {
      let isLast = index == fields.count - 1
      let bytes = Array(literal.utf8)
      guard let end = isLast ? Self.suffix(bytes, of: rest) : Self.first(bytes, in: rest),
        end > rest.startIndex
      else { return nil }
      values.append(String(decoding: rest[..<end], as: UTF8.self))
      rest = rest[(end + bytes.count)...]
    }
    return values
  }

  private static func suffix(_ literal: [UInt8], of text: ArraySlice<UInt8>) -> Int? {
    text.suffix(literal.count).elementsEqual(literal) ? text.endIndex - literal.count : nil
  }

  private static func first(_ literal: [UInt8], in text: ArraySlice<UInt8>) -> Int? {
    text.indices.first { text[$0...].starts(with: literal) }
  }
}

/// The values of a field that are meant, as `index=0-4,7` or `speaker=theo`.
struct FieldChoice {
  /// The name of the field.
  let field: String
  private let values: [ScalarString]
  private let ranges: [ClosedRange<Int>]

  /// Reads a choice.
  ///
  /// - Throws: `DataError`.
  init(_ text: String) throws {
    let parts = text.parts(at: "=", limit: 1)
    let items = parts.count == 2 ? parts[1].parts(at: ",") : [""]
    guard !parts[0].isEmpty, !items.contains("") else {
      throw DataError("test: \"\(text)\" is no choice, give FIELD=VALUES such as index=0-4")
    }
    field = String(parts[0])
    values = items.map { ScalarString($0) }
    ranges = items.compactMap { item in
      let ends = item.parts(at: "-").map { Int($0) }
      guard ends.count == 2, let low = ends[0], let high = ends[1], low <= high else { return nil }
      return low...high
    }
  }

  /// Returns whether a value is one of them: by its text, or as a number of a range.
  func contains(_ value: String) -> Bool {
    values.contains(ScalarString(value))
      || Int(value).map { number in ranges.contains { $0.contains(number) } } ?? false
  }
}
