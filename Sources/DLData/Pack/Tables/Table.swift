import DLCore
import DLFormats

/// The columns of a file of comma-separated values that a data set is made of.
struct Table {
  /// The file.
  let path: String
  /// The columns of x, in the order of the schema or of the file.
  private(set) var features: [TableColumn]
  /// The column of y; nil where the file has none.
  private(set) var label: TableColumn?
  /// The number of rows.
  private(set) var rowCount = 0

  /// How a file is written.
  struct Dialect {
    var separator = UInt8(ascii: ",")
    var hasHeader = true
  }

  /// Reads a file.
  ///
  /// - Parameter choose: names the columns of x with their kinds, and that of y.
  /// - Throws: `FormatError` naming line and column, `DataError` for columns that are not there.
  init(
    path: String, _ dialect: Dialect, allowsMissing: Bool,
    choose: (ColumnNames) throws -> (
      features: [(place: Int, kind: TableColumn.Kind)], label: (place: Int, kind: TableColumn.Kind)?
    )
  ) throws {
    self.path = path
    var reader = try CSVReader(path: path, separator: dialect.separator)
    var record = try reader.next()
    guard let first = record else {
      throw FormatError(.content, file: path, "is empty", advice: "give a table")
    }
    let names = ColumnNames(dialect.hasHeader ? first : first.indices.map { String($0 + 1) })
    if dialect.hasHeader { record = try reader.next() }
    let (features, label) = try choose(names)
    self.features = features.map { TableColumn(names.names[$0.place], $0.kind) }
    self.label = label.map { TableColumn(names.names[$0.place], $0.kind, isLabel: true) }
    while let cells = record {
      let line = reader.line
      guard cells.count == names.names.count else {
        throw FormatError(
          .content, file: path,
          "line \(line) has \(counted(cells.count, "cell")), the first line \(names.names.count)",
          advice: "correct it, or quote cells that hold separators")
      }
      func fault(_ column: String) -> (String, String) -> FormatError {
        {
          FormatError(
            .content, file: path, "line \(line), column \"\(column)\": \($0)", advice: $1)
        }
      }
      for (index, feature) in features.enumerated() {
        try self.features[index].add(
          cells[feature.place], allowsMissing: allowsMissing,
          fault: fault(self.features[index].name))
      }
      if let label {
        let name = names.names[label.place]
        try self.label?.add(cells[label.place], allowsMissing: false) { what, _ in
          fault(name)(what, "correct the label or leave the row out")
        }
      }
      rowCount += 1
      record = try reader.next()
    }
    guard rowCount > 0 else {
      throw FormatError(.content, file: path, "has no rows", advice: "give some")
    }
  }
}
