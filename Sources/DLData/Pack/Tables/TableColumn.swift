import DLCore
import DLFormats

/// The cells of one column of a table.
struct TableColumn {
  /// What the cells are.
  enum Kind: String, Sendable {
    case number
    case categories
  }

  /// Its name.
  let name: String
  /// What the cells are.
  let kind: Kind
  /// Whether they are labels, among which a class may have any name.
  let isLabel: Bool
  /// The numbers; NaN where a cell is missing.
  private(set) var numbers: [Double] = []
  /// The place of each cell's text among ``values``; -1 where it is missing.
  private(set) var codes: [Int32] = []
  /// The different texts, in the order in which they came.
  private(set) var values: [String] = []
  private var places: [ScalarString: Int32] = [:]

  init(_ name: String, _ kind: Kind, isLabel: Bool = false) {
    self.name = name
    self.kind = kind
    self.isLabel = isLabel
  }

  /// Cells that stand for no value.
  private static let missing: Set<ScalarString> = [
    "", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None",
  ]

  /// Adds a cell.
  ///
  /// - Parameter fault: makes the error of what is wrong with the cell, and of what to do.
  /// - Throws: that error for a missing cell unless `allowsMissing`, and for what is no number.
  mutating func add(
    _ cell: String, allowsMissing: Bool, fault: (String, String) -> FormatError
  ) throws {
    let isMissing =
      isLabel && kind == .categories ? cell.isEmpty : Self.missing.contains(ScalarString(cell))
    guard !isMissing || allowsMissing else {
      throw fault(
        cell.isEmpty ? "is empty" : "has \"\(cell)\", which is no value",
        "fill it, leave the row or the column out (--drop), or give --missing mean")
    }
    switch kind {
    case .number:
      guard !isMissing else { return numbers.append(.nan) }
      guard let number = Self.number(cell) else {
        throw fault(
          "has \"\(cell.prefix(40))\", no number",
          "name the column in --categorical or --drop, or correct it")
      }
      guard number.magnitude <= Double(Float.greatestFiniteMagnitude) else {
        throw fault("has \(cell.prefix(40)), beyond 32 bits", "scale the column")
      }
      numbers.append(number)
    case .categories:
      guard !isMissing else { return codes.append(-1) }
      let key = ScalarString(cell)
      if let place = places[key] { return codes.append(place) }
      let place = Int32(values.count)
      places[key] = place
      values.append(cell)
      codes.append(place)
    }
  }

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

  /// Mean and deviation of the numbers of these rows that are not missing; nil where all are.
  ///
  /// The deviation is that of the rows themselves, over their count, and 1 where all are equal, as
  /// scikit-learn's `StandardScaler` has it.
  func statistics(_ rows: [Int]) -> (mean: Double, deviation: Double)? {
    let present = rows.lazy.map { numbers[$0] }.filter { !$0.isNaN }
    var (count, sum) = (0.0, 0.0)
    for number in present { (count, sum) = (count + 1, sum + number) }
    guard count > 0 else { return nil }
    let mean = sum / count
    var squares = 0.0
    for number in present { squares += (number - mean) * (number - mean) }
    let deviation = (squares / count).squareRoot()
    return (mean, deviation > mean.magnitude * 1e-14 ? deviation : 1)
  }
}
