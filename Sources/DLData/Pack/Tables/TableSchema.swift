import DLCore
import DLFormats

/// How the columns of a table become the numbers of a row.
struct TableSchema {
  /// A column of the table.
  enum Feature {
    /// One number: `(value - mean) / deviation` where rows are standardized; the mean where it is
    /// missing.
    case number(name: String, mean: Double, deviation: Double)
    /// A 1 at the place of the text and 0 at the others; all 0 where it is missing.
    case categories(name: String, values: [String])

    var name: String {
      switch self {
      case .number(let name, _, _), .categories(let name, _): name
      }
    }

    /// The numbers of a row that it makes.
    var width: Int {
      switch self {
      case .number: 1
      case .categories(_, let values): values.count
      }
    }
  }

  /// The key of the metadata.
  static let key = "table"

  /// The columns of x.
  var features: [Feature]
  /// The column of y.
  var label: String
  /// Whether labels are values and no classes.
  var isRegression: Bool
  /// Whether numbers are standardized.
  var isStandardized: Bool
  /// Whether missing cells are filled.
  var allowsMissing: Bool

  /// The numbers of a row.
  var width: Int { features.reduce(0) { $0 + $1.width } }

  /// What the metadata keeps.
  var json: JSON {
    .object([
      .init("label", .string(label)), .init("regression", .bool(isRegression)),
      .init("standardize", .bool(isStandardized)), .init("missing", .bool(allowsMissing)),
      .init("columns", .array(features.map(Self.json))),
    ])
  }

  private static func json(_ feature: Feature) -> JSON {
    switch feature {
    case .number(let name, let mean, let deviation):
      .object([
        .init("name", .string(name)), .init("mean", .number(mean)),
        .init("std", .number(deviation)),
      ])
    case .categories(let name, let values):
      .object([
        .init("name", .string(name)), .init("values", .array(values.map { .string($0) })),
      ])
    }
  }
}

extension TableSchema {
  /// Reads what a data set file keeps; throws a content error where it keeps none.
  init(_ file: SafetensorsFile) throws {
    func fault(_ what: String) -> FormatError {
      FormatError(
        .content, file: file.path, what, advice: "name a file made by dltrain data pack csv")
    }
    guard let text = file.metadata[Self.key] else { throw fault("holds no columns of a table") }
    let json = try JSON(parsing: text, file: file.path)
    func flag(_ key: String) throws -> Bool {
      guard case .bool(let value) = json[key] else { throw fault("has a damaged table: no \(key)") }
      return value
    }
    guard let label = json["label"]?.string, let columns = json["columns"]?.array,
      !columns.isEmpty
    else { throw fault("has a damaged table") }
    self.label = label
    isRegression = try flag("regression")
    isStandardized = try flag("standardize")
    allowsMissing = try flag("missing")
    features = try columns.map { column in
      guard let feature = Self.feature(column) else { throw fault("has a damaged column") }
      return feature
    }
  }

  private static func feature(_ json: JSON) -> Feature? {
    guard let name = json["name"]?.string else { return nil }
    if let list = json["values"]?.array {
      let values = list.compactMap(\.string)
      return values.count == list.count ? .categories(name: name, values: values) : nil
    }
    guard let mean = json["mean"]?.double, let deviation = json["std"]?.double, deviation > 0
    else { return nil }
    return .number(name: name, mean: mean, deviation: deviation)
  }
}
