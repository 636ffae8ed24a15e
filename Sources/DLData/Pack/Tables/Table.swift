import DLCore
import DLFormats

/// A file of comma-separated values, and the columns of it that a data set is made of.
///
/// It is gone through row by row, as often as it takes, and never held in memory.
struct Table {
  /// The way in which a file is written.
  struct Dialect {
    var separator = UInt8(ascii: ",")
    var hasHeader = true
  }

  /// The columns that are meant, by their places.
  struct Choice {
    var features: [(place: Int, kind: TableColumn.Kind)]
    /// None where the file has no labels.
    var labels: [(place: Int, kind: TableColumn.Kind)]
  }

  /// A row of the file.
  struct Row {
    /// The row, counted from 0.
    let number: Int
    /// The line on which it begins, counted from 1.
    let line: Int
    /// Its cells.
    let cells: [String]
    fileprivate let table: Table

    /// The number in a column; nil where it is missing and may be.
    ///
    /// - Throws: a content error that names line and column.
    func number(_ column: TableColumn) throws -> Double? {
      guard let cell = try cell(column) else { return nil }
      return try column.number(cell) { fault(column, $0, $1) }
    }

    /// The text in a column; nil where it is missing and may be.
    ///
    /// - Throws: a content error that names line and column.
    func cell(_ column: TableColumn) throws -> String? {
      let cell = cells[column.place]
      guard column.isMissing(cell) else { return cell }
      if table.allowsMissing, !column.isLabel { return nil }
      throw fault(
        column, cell.isEmpty ? "is empty" : "has \"\(cell)\", which is no value",
        column.isLabel
          ? "correct the label or leave the row out"
          : table.isLike
            ? "fill it or leave the row out: the table trained on was packed without \(OptionName.missing)"
            : "fill it, leave the row or the column out (\(OptionName.drop)), or give \(OptionName.missing) mean"
      )
    }

    /// The error of what is wrong with a cell, and of what to do.
    func fault(_ column: TableColumn, _ what: String, _ advice: String) -> FormatError {
      FormatError(
        .content, file: table.path, "line \(line), column \"\(column.name)\": \(what)",
        advice: advice)
    }
  }

  /// The file.
  let path: String
  /// The columns of x, in the order of the schema or of the file.
  let features: [TableColumn]
  /// The columns of y; none where the file has no labels.
  let labels: [TableColumn]
  /// True if cells of x may be missing.
  let allowsMissing: Bool
  /// True if its columns are those of another table that was packed before.
  private let isLike: Bool
  private let dialect: Dialect
  private let width: Int

  /// Reads the names of a file's columns.
  ///
  /// - Parameter choose: names the columns of x with their kinds, and those of y.
  /// - Throws: `FormatError` for what is no table, `DataError` for columns that are not there.
  init(
    path: String, _ dialect: Dialect, allowsMissing: Bool, isLike: Bool = false,
    choose: (ColumnNames) throws -> Choice
  ) throws {
    self.path = path
    self.dialect = dialect
    (self.allowsMissing, self.isLike) = (allowsMissing, isLike)
    var reader = try CSVReader(path: path, separator: dialect.separator)
    guard let first = try reader.next() else {
      throw FormatError(.content, file: path, "is empty", advice: "give a table")
    }
    let names = ColumnNames(dialect.hasHeader ? first : first.indices.map { String($0 + 1) })
    width = names.names.count
    let choice = try choose(names)
    features = choice.features.map {
      TableColumn(name: names.names[$0.place], kind: $0.kind, place: $0.place)
    }
    labels = choice.labels.map {
      TableColumn(name: names.names[$0.place], kind: $0.kind, place: $0.place, isLabel: true)
    }
  }

  /// Calls `body` with every row, in order.
  ///
  /// - Throws: a content error for a row of another number of cells, and for a file without rows.
  func eachRow(_ body: (Row) throws -> Void) throws {
    var reader = try CSVReader(path: path, separator: dialect.separator)
    if dialect.hasHeader { _ = try reader.next() }
    var number = 0
    while let cells = try reader.next() {
      guard cells.count == width else {
        throw FormatError(
          .content, file: path,
          "line \(reader.line) has \(counted(cells.count, "cell")), the first line \(width)",
          advice: "correct it, or quote cells that hold separators")
      }
      try body(Row(number: number, line: reader.line, cells: cells, table: self))
      number += 1
    }
    guard number > 0 else {
      throw FormatError(.content, file: path, "has no rows", advice: "give some")
    }
  }
}
