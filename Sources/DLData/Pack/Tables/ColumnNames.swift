import DLCore
import DLFormats

/// The names of a table's columns, and which of them an option means.
struct ColumnNames {
  /// The names, each once: a second `x` is `x.1`, a third `x.2`, as pandas calls them.
  let names: [String]
  private let places: [ScalarString: Int]

  /// Takes the first record of a file.
  init(_ header: [String]) {
    var taken = Set(header.map { ScalarString($0) })
    var seen: [ScalarString: Int] = [:]
    names = header.map { name in
      let key = ScalarString(name)
      guard var number = seen[key] else {
        seen[key] = 1
        return name
      }
      while taken.contains(ScalarString("\(name).\(number)")) { number += 1 }
      seen[key] = number + 1
      taken.insert(ScalarString("\(name).\(number)"))
      return "\(name).\(number)"
    }
    places = Dictionary(
      names.enumerated().map { (ScalarString($1), $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// The place of a name; nil where there is none.
  func place(_ name: String) -> Int? { places[ScalarString(name)] }

  /// The column that an option names, or gives by its position: 1 the first, -1 the last.
  ///
  /// - Throws: `DataError` where there is none.
  func column(_ text: String, option: String) throws -> Int {
    if let place = place(text) { return place }
    if let position = Int(text) {
      let place = position < 0 ? names.count + position : position - 1
      if position != 0, names.indices.contains(place) { return place }
    }
    let known = names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", ..." : "")
    throw DataError(
      "\(option): no column \"\(text)\" among the \(names.count): \(known); "
        + "name one, or give a position of 1 to \(names.count), -1 for the last")
  }
}
