import DLCore
import DLFormats

/// The names of a data set's classes, in the order of their numbers.
package struct ClassNames: Sendable {
  /// The key of the metadata, under which a JSON list holds them.
  package static let key = "class_names"

  /// The names.
  package let names: [String]

  /// Makes the list of names.
  package init(_ names: [String]) { self.names = names }

  /// Reads the list as the metadata has it; `file` is for the fault's sake.
  ///
  /// - Throws: a content error for what is no list of different names.
  package init(_ text: String, file: String) throws {
    let list = try? JSON(parsing: text, file: file).array?.map(\.string)
    guard let list, !list.contains(nil) else {
      throw FormatError(
        .content, file: file, "metadata: class_names is no JSON list of names",
        advice: "correct it or leave it out")
    }
    names = list.compactMap { $0 }
    if let twice = Self.repeated(names) {
      throw FormatError(
        .content, file: file, "metadata: class_names has \"\(twice)\" twice",
        advice: "give each class a name of its own")
    }
  }

  /// The names that a file holds; nil where it has none.
  ///
  /// - Throws: `FormatError` of content for what is no list of different names.
  package static func read(_ file: SafetensorsFile) throws -> ClassNames? {
    try file.metadata[key].map { try ClassNames($0, file: file.path) }
  }

  /// The list for the metadata.
  package var text: String { JSON.array(names.map { .string($0) }).description }

  /// The number of each of these classes among others; -1 for those that the others lack.
  ///
  /// Nil where the names are the same in the same order.
  ///
  /// - Parameters:
  ///   - file: the file of these names.
  ///   - source: where the other names come from.
  /// - Throws: a content error that names what differs, where neither has all names of the other.
  package func numbers(among others: ClassNames, file: String, source: String) throws -> [Int32]? {
    let (mine, theirs) = (names.map { Array($0.utf8) }, others.names.map { Array($0.utf8) })
    if mine == theirs { return nil }
    let places = Dictionary(theirs.enumerated().map { ($1, Int32($0)) }) { first, _ in first }
    let numbers = mine.map { places[$0] ?? -1 }
    let found = Set(mine)
    let surplus = names.indices.filter { numbers[$0] < 0 }.map { names[$0] }
    let missing = others.names.indices.filter { !found.contains(theirs[$0]) }
      .map { others.names[$0] }
    guard surplus.isEmpty || missing.isEmpty else {
      throw FormatError(
        .content, file: file,
        "its classes are not those of \(source): it has \(Self.shown(surplus)), and lacks "
          + Self.shown(missing),
        advice: "pack it by dltrain data pack with \(OptionName.like) \(source)")
    }
    return numbers
  }

  /// The first class that has another name, or that only one has.
  package func difference(from others: ClassNames) -> String {
    for (number, (mine, theirs)) in zip(names, others.names).enumerated()
    where !mine.utf8.elementsEqual(theirs.utf8) {
      return "class \(number) is \(Self.shown([mine])), there \(Self.shown([theirs]))"
    }
    return "it has \(counted(names.count, "class", "classes")), there are \(others.names.count)"
  }

  private static func shown(_ names: [String]) -> String {
    let list = names.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
    return names.count > 3 ? "\(list) and \(names.count - 3) more" : list
  }

  private static func repeated(_ names: [String]) -> String? {
    var seen: Set<[UInt8]> = []
    return names.first { !seen.insert(Array($0.utf8)).inserted }
  }
}
