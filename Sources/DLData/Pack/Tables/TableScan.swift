import DLCore
import DLFormats

/// The findings of a first pass over a table: its rows and the texts of its columns, each cell
/// being read.
struct TableScan {
  /// The number of rows.
  private(set) var rowCount = 0
  /// The different texts of each column of x, none for numbers.
  private(set) var texts: [TextSet]
  /// The different classes.
  private(set) var classes = TextSet()
  /// The class of each row by its place among ``classes``; nil unless asked for, or where labels are
  /// no classes.
  private(set) var labels: [Int32]?

  /// Goes through a table.
  ///
  /// - Parameters:
  ///   - schema: whose texts are the only ones; nil to take any.
  ///   - keepsLabels: whether the class of each row is kept.
  /// - Throws: a content error naming line and column of the first cell that cannot be read.
  init(_ table: Table, like schema: TableSchema? = nil, keepsLabels: Bool = false) throws {
    texts =
      schema?.features.map { TextSet($0.values) } ?? table.features.map { _ in TextSet() }
    let hasClasses = table.labels.count == 1 && !table.labels[0].kind.isNumeric
    if keepsLabels, hasClasses { labels = [] }
    var found = (texts: texts, classes: classes, labels: labels, count: 0)
    let isKnown = schema != nil
    try table.eachRow { row in
      for (index, column) in table.features.enumerated() {
        if column.kind.isNumeric {
          _ = try row.number(column)
        } else if let text = try row.cell(column) {
          let place =
            isKnown ? found.texts[index].place(text) : found.texts[index].insert(text)
          guard place != nil else {
            throw isKnown
              ? row.fault(
                column, "has \"\(text)\", which the rows to train on lack",
                "leave such rows out, or pack both together")
              : row.fault(
                column, "is more than the \(TextSet.most) different texts that are kept",
                "leave the column out (\(OptionName.drop))")
          }
        }
      }
      for column in table.labels {
        if column.kind.isNumeric {
          _ = try row.number(column)
        } else if let text = try row.cell(column) {
          guard let place = found.classes.insert(text) else {
            throw row.fault(
              column, "is more than the \(TextSet.most) classes that are kept",
              "give \(OptionName.task) regression for values")
          }
          found.labels?.append(place)
        }
      }
      found.count += 1
    }
    (texts, classes, labels, rowCount) = found
  }
}
