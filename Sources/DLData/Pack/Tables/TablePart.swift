import DLCore
import DLFormats

/// Rows of a table that become a data set file.
struct TablePart {
  /// The name of the file.
  let name: String
  /// The table.
  let table: Table
  /// The number of rows.
  let count: Int
  /// True if a row is one of them.
  var contains: (Int) -> Bool = { _ in true }

  /// The tensors x and, where the table has labels, y; made in one pass over the table.
  ///
  /// The labels of all rows are held in memory from x to y.
  ///
  /// - Parameter classes: the names of classes by their numbers, and where they come from.
  func tensors(_ schema: TableSchema, classes: (names: [String], source: String)?)
    -> [SafetensorsTensor]
  {
    let labels = LabelSink(classes.map { TextSet($0.names) }, source: classes?.source ?? "")
    let texts = schema.features.map { TextSet($0.values) }
    let x = SafetensorsTensor(
      name: "x", dtype: .float32, shape: [count, schema.width]
    ) { sink in
      labels.removeAll()
      var piece: [Float] = []
      piece.reserveCapacity(1 << 18)
      try table.eachRow { row in
        guard contains(row.number) else { return }
        for (index, column) in table.features.enumerated() {
          let feature = schema.features[index]
          guard column.kind.isNumeric else {
            let number = try row.cell(column).map { text in
              guard let number = texts[index].place(text) else {
                throw row.fault(
                  column, "has \"\(text)\", which the rows to train on lack",
                  "leave such rows out, or pack both together")
              }
              return Int(number)
            }
            if column.kind == .index {
              piece.append(Float(number ?? -1))
            } else {
              let first = piece.count
              piece.append(contentsOf: repeatElement(0, count: feature.width))
              if let number { piece[first + number] = 1 }
            }
            continue
          }
          let value = try row.number(column) ?? feature.fill
          piece.append(
            Float(schema.isStandardized ? (value - feature.mean) / feature.deviation : value))
        }
        try labels.add(row, table)
        if piece.count >= 1 << 18 {
          try piece.withUnsafeBytes { try sink($0) }
          piece.removeAll(keepingCapacity: true)
        }
      }
      try piece.withUnsafeBytes { try sink($0) }
    }
    guard !table.labels.isEmpty else { return [x] }
    let isClass = classes != nil && table.labels.count == 1
    return [
      x,
      SafetensorsTensor(
        name: "y", dtype: isClass ? .int32 : .float32,
        shape: isClass ? [count] : [count, table.labels.count]
      ) { sink in
        try labels.classes.withUnsafeBytes { try sink($0) }
        try labels.values.withUnsafeBytes { try sink($0) }
      },
    ]
  }
}

/// The labels of the rows that were gone through.
private final class LabelSink {
  private let names: TextSet?
  private let source: String
  private(set) var classes: [Int32] = []
  private(set) var values: [Float] = []

  init(_ names: TextSet?, source: String) {
    self.names = names
    self.source = source
  }

  func removeAll() {
    classes.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
  }

  func add(_ row: Table.Row, _ table: Table) throws {
    for column in table.labels {
      if column.kind.isNumeric {
        if let value = try row.number(column) { values.append(Float(value)) }
      } else if let text = try row.cell(column) {
        guard let number = names?.place(text) else {
          throw FormatError(
            .content, file: table.path, "has the class \"\(text)\", which \(source) lacks",
            advice: "leave it out, or pack both together")
        }
        classes.append(number)
      }
    }
  }
}
