import DLCore
import DLFormats

/// Rows of a table that become a data set file.
struct TablePart {
  /// The name of the file.
  let name: String
  /// The table.
  let table: Table
  /// The rows, in their order.
  let rows: [Int]

  /// Takes some rows, or all.
  init(name: String, table: Table, rows: [Int]? = nil) {
    self.name = name
    self.table = table
    self.rows = rows ?? Array(0..<table.rowCount)
  }

  /// The tensors x and, where the table has labels, y.
  ///
  /// - Throws: a content error for a category or class that the schema or the names lack.
  func tensors(_ schema: TableSchema, classes: [String]?, namesSource: String) throws
    -> [SafetensorsTensor]
  {
    let columns = try zip(schema.features, table.features).map { feature, column in
      try writer(feature, column, isStandardized: schema.isStandardized)
    }
    let width = schema.width
    let x = SafetensorsTensor(name: "x", dtype: .float32, shape: [rows.count, width]) { sink in
      var piece: [Float] = []
      for (index, row) in rows.enumerated() {
        for column in columns { column(row, &piece) }
        if piece.count >= 1 << 18 || index == rows.count - 1 {
          try piece.withUnsafeBytes { try sink($0) }
          piece.removeAll(keepingCapacity: true)
        }
      }
    }
    guard let label = table.label else { return [x] }
    guard let classes else {
      let values = rows.map { Float(label.numbers[$0]) }
      return [
        x,
        SafetensorsTensor(name: "y", dtype: .float32, shape: [rows.count, 1]) { sink in
          try values.withUnsafeBytes { try sink($0) }
        },
      ]
    }
    let numbers = try PackLike.numbers(
      of: label.values, among: classes, of: namesSource, source: table.path)
    return [x, .values("y", rows.map { numbers[Int(label.codes[$0])] })]
  }

  /// What appends a row's numbers of a column.
  private func writer(
    _ feature: TableSchema.Feature, _ column: TableColumn, isStandardized: Bool
  ) throws -> (Int, inout [Float]) -> Void {
    switch feature {
    case .number(_, let mean, let deviation):
      return { row, piece in
        let value = column.numbers[row].isNaN ? mean : column.numbers[row]
        piece.append(Float(isStandardized ? (value - mean) / deviation : value))
      }
    case .categories(let name, let values):
      let places = Dictionary(
        values.enumerated().map { (ScalarString($1), $0) }, uniquingKeysWith: { first, _ in first })
      let numbers = try column.values.map { value in
        guard let place = places[ScalarString(value)] else {
          throw FormatError(
            .content, file: table.path,
            "column \"\(name)\" has \"\(value)\", which the rows to train on lack",
            advice: "leave such rows out, or pack both together")
        }
        return place
      }
      return { row, piece in
        let first = piece.count
        piece.append(contentsOf: repeatElement(0, count: values.count))
        let code = column.codes[row]
        if code >= 0 { piece[first + numbers[Int(code)]] = 1 }
      }
    }
  }
}
