import DLCore
import DLFormats

/// The way from the columns of a table to the numbers of a row.
package struct TableSchema {
  /// A column of the table.
  struct Feature {
    let name: String
    let kind: TableColumn.Kind
    /// The mean over the rows to train on; 0 for texts.
    var mean = 0.0
    /// The deviation over the rows to train on; 1 for texts.
    var deviation = 1.0
    /// The number in the place of a missing one.
    var fill = 0.0
    /// The texts by their numbers; none for numbers.
    var values: [String] = []

    /// The numbers of a row that it makes.
    var width: Int { kind == .categories ? values.count : 1 }
  }

  /// The key of the metadata.
  package static let key = "table"

  /// The columns of x.
  var features: [Feature]
  /// The columns of y.
  var labels: [String]
  /// True if labels are values and no classes.
  var isRegression: Bool
  /// True if numbers are standardized.
  var isStandardized: Bool
  /// True if missing cells are filled.
  var allowsMissing: Bool
  /// The way in which the file is written.
  var dialect = Table.Dialect()

  /// The numbers of a row.
  var width: Int { features.reduce(0) { $0 + $1.width } }

  /// The kind of the cells of a label's column.
  var labelKind: TableColumn.Kind {
    isRegression ? .number : labels.count > 1 ? .flag : .categories
  }

  /// The text that the metadata keeps.
  var json: JSON {
    let label: JSON =
      labels.count == 1 ? .string(labels[0]) : .array(labels.map { .string($0) })
    var dialect: [JSON.Member] = []
    if self.dialect.separator != Table.Dialect().separator {
      dialect.append(.init("separator", .integer(Int(self.dialect.separator))))
    }
    if !self.dialect.hasHeader { dialect.append(.init("header", .bool(false))) }
    return .object(
      dialect + [
        .init("label", label), .init("regression", .bool(isRegression)),
        .init("standardize", .bool(isStandardized)), .init("missing", .bool(allowsMissing)),
        .init("columns", .array(features.map(Self.json))),
      ])
  }

  private static func json(_ feature: Feature) -> JSON {
    var members: [JSON.Member] = [.init("name", .string(feature.name))]
    guard feature.kind.isNumeric else {
      members.append(.init("values", .array(feature.values.map { .string($0) })))
      if feature.kind == .index { members.append(.init("index", .bool(true))) }
      return .object(members)
    }
    members.append(.init("mean", .number(feature.mean)))
    members.append(.init("std", .number(feature.deviation)))
    if feature.fill != feature.mean { members.append(.init("fill", .number(feature.fill))) }
    if feature.kind == .date { members.append(.init("date", .bool(true))) }
    return .object(members)
  }
}

extension TableSchema {
  /// Reads what a data set file or a checkpoint keeps; throws a content error where it keeps none.
  init(_ file: SafetensorsFile) throws {
    guard let text = file.metadata[Self.key] else {
      throw Self.fault(file.path, "holds no columns of a table")
    }
    try self.init(text, file: file.path)
  }

  private static func fault(_ file: String, _ what: String) -> FormatError {
    FormatError(.content, file: file, what, advice: "name a file made by dltrain data pack csv")
  }

  /// Reads what the metadata keeps; `file` is for the fault's sake.
  init(_ text: String, file: String) throws {
    func fault(_ what: String) -> FormatError { Self.fault(file, what) }
    let json = try JSON(parsing: text, file: file)
    func flag(_ key: String) throws -> Bool {
      guard case .bool(let value) = json[key] else { throw fault("has a damaged table: no \(key)") }
      return value
    }
    let labels = json["label"]?.array?.compactMap(\.string) ?? [json["label"]?.string ?? ""]
    guard !labels.isEmpty, !labels.contains(""), let columns = json["columns"]?.array,
      !columns.isEmpty, labels.count == json["label"]?.array?.count ?? 1
    else { throw fault("has a damaged table") }
    self.labels = labels
    isRegression = try flag("regression")
    isStandardized = try flag("standardize")
    allowsMissing = try flag("missing")
    if let separator = json["separator"]?.int {
      guard (1..<0x80).contains(separator), ![10, 13, 34].contains(separator) else {
        throw fault("has a damaged table: separator")
      }
      dialect.separator = UInt8(separator)
    }
    if case .bool(false) = json["header"] { dialect.hasHeader = false }
    features = try columns.map { column in
      guard let feature = Self.feature(column) else { throw fault("has a damaged column") }
      return feature
    }
  }

  private static func feature(_ json: JSON) -> Feature? {
    guard let name = json["name"]?.string else { return nil }
    func isSet(_ key: String) -> Bool {
      if case .bool(true) = json[key] { true } else { false }
    }
    if let list = json["values"]?.array {
      let values = list.compactMap(\.string)
      guard values.count == list.count else { return nil }
      return Feature(name: name, kind: isSet("index") ? .index : .categories, values: values)
    }
    guard let mean = json["mean"]?.double, let deviation = json["std"]?.double, deviation > 0
    else { return nil }
    return Feature(
      name: name, kind: isSet("date") ? .date : .number, mean: mean, deviation: deviation,
      fill: json["fill"]?.double ?? mean)
  }

  /// The first difference between two tables' columns as metadata keep them; nil where they make
  /// the same numbers of the same cells.
  ///
  /// - Parameters:
  ///   - file: the file of `mine`.
  ///   - source: where `theirs` come from.
  /// - Throws: a content error for a damaged one.
  package static func difference(
    _ mine: String, _ theirs: String, file: String, source: String
  ) throws -> String? {
    if mine.utf8.elementsEqual(theirs.utf8) { return nil }
    let (mine, theirs) = (try Self(mine, file: file), try Self(theirs, file: source))
    for (place, pair) in zip(mine.features, theirs.features).enumerated() {
      let (one, other) = pair
      guard one.name.hasScalars(of: other.name) else {
        return "column \(place + 1) is \"\(one.name)\" and not \"\(other.name)\""
      }
      guard one.kind == other.kind else {
        return "\"\(one.name)\" is packed as \(one.kind.rawValue) and not as \(other.kind.rawValue)"
      }
      if mine.isStandardized, theirs.isStandardized,
        one.mean != other.mean || one.deviation != other.deviation
      {
        return
          "\"\(one.name)\" is standardized by mean \(one.mean) and deviation \(one.deviation), "
          + "not \(other.mean) and \(other.deviation)"
      }
      let wrong = zip(one.values, other.values).enumerated().first {
        !$1.0.hasScalars(of: $1.1)
      }
      if let wrong {
        return "category \(wrong.offset) of \"\(one.name)\" is \"\(wrong.element.0)\" and not "
          + "\"\(wrong.element.1)\""
      }
      guard one.values.count == other.values.count else {
        return "\"\(one.name)\" has \(one.values.count) categories and not \(other.values.count)"
      }
    }
    guard mine.features.count == theirs.features.count else {
      return "it has \(counted(mine.features.count, "column")) and not \(theirs.features.count)"
    }
    return mine.isStandardized == theirs.isStandardized
      ? nil : "its numbers are \(mine.isStandardized ? "" : "not ")standardized"
  }
}
