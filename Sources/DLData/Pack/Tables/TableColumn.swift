import DLCore
import DLFormats

/// A column of a table, and what its cells are.
struct TableColumn {
  /// The kind of the cells.
  enum Kind: String, Sendable {
    /// Numbers in decimal.
    case number
    /// Days and times, as numbers of days since the beginning of 1970.
    case date
    /// Texts, each of which becomes a 1 among 0s.
    case categories
    /// Texts, each of which becomes its number.
    case index
    /// Yes or no, as 1 or 0.
    case flag

    /// True if a cell is read as a number.
    var isNumeric: Bool { self == .number || self == .date || self == .flag }
  }

  /// Its name.
  let name: String
  /// The kind of the cells.
  let kind: Kind
  /// Its place in a record, counted from 0.
  let place: Int
  /// True if the cells are labels, among which a class may have any name.
  var isLabel = false

  /// Cells that stand for no value.
  private static let missing: Set<ScalarString> = [
    "", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None",
  ]

  /// Returns whether a cell stands for no value.
  func isMissing(_ cell: String) -> Bool {
    isLabel && kind == .categories ? cell.isEmpty : Self.missing.contains(ScalarString(cell))
  }

  /// The number of a cell that is not missing.
  ///
  /// - Parameter fault: makes the error of what is wrong with the cell, and of what to do.
  /// - Throws: that error for what is no number of the kind, or beyond 32 bits.
  func number(_ cell: String, fault: (String, String) -> FormatError) throws -> Double {
    switch kind {
    case .date:
      guard let days = CalendarDate.days(cell) else {
        throw fault(
          "has \"\(cell.prefix(40))\", no date such as 2024-02-29 or 2024-02-29T18:30:00",
          "name the column in \(OptionName.categorical) or \(OptionName.drop), or correct it")
      }
      return days
    case .flag:
      guard let flag = Self.flags[cell.lowercased()] else {
        throw fault(
          "has \"\(cell.prefix(40))\", neither yes nor no",
          "give 0 or 1, or \(OptionName.task) regression for values")
      }
      return flag
    case .number, .categories, .index:
      guard let number = Self.number(cell) else {
        throw fault(
          "has \"\(cell.prefix(40))\", no number",
          isLabel
            ? "give \(OptionName.task) classification, or correct it"
            : "name the column in \(OptionName.categorical), \(OptionName.date) or \(OptionName.drop), or correct it"
        )
      }
      guard number.magnitude <= Double(Float.greatestFiniteMagnitude) else {
        throw fault("has \(cell.prefix(40)), beyond 32 bits", "scale the column")
      }
      return number
    }
  }

  private static let flags: [String: Double] = [
    "0": 0, "1": 1, "no": 0, "yes": 1, "false": 0, "true": 1,
  ]

  /// The number that a text spells in decimal; infinity and NaN are none.
  private static func number(_ text: String) -> Double? {
    let digits = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || "+-.eE".utf8.contains(byte)
    }
    return digits ? Double(text).flatMap { $0.isFinite ? $0 : nil } : nil
  }

  /// The texts in the order of their numbers where all are integers, else in that of their scalars.
  static func sorted(_ values: some Sequence<String>) -> [String] {
    let names = Set(values.map { ScalarString($0) }).sorted().map(\.description)
    let numbers = names.map { Int($0) }
    guard !numbers.contains(nil) else { return names }
    return zip(numbers, names)
      .sorted { ($0.0 ?? 0, ScalarString($0.1)) < ($1.0 ?? 0, ScalarString($1.1)) }.map(\.1)
  }
}

/// Different texts, numbered as they come.
struct TextSet {
  /// The texts, by their numbers.
  private(set) var values: [String] = []
  private var places: [ScalarString: Int32] = [:]

  /// The most texts that are kept.
  static let most = 1 << 20

  /// Makes a set of texts, the first the number 0.
  init(_ values: [String] = []) {
    for value in values { _ = insert(value) }
  }

  /// The number of a text; nil for one more than are kept.
  mutating func insert(_ text: String) -> Int32? {
    let key = ScalarString(text)
    if let place = places[key] { return place }
    guard values.count < Self.most else { return nil }
    let place = Int32(values.count)
    places[key] = place
    values.append(text)
    return place
  }

  /// The number of a text; nil where it is none of these.
  func place(_ text: String) -> Int32? { places[ScalarString(text)] }
}
