import DLCore
import DLFormats

/// Turns tables of comma-separated values into data set files.
///
/// A table is gone through several times and never held in memory: what is kept are the texts of its
/// columns, four bytes for each label, and one for each row that is parted.
package struct CSVPacker {
  /// The ways to fill the missing cells of numbers.
  package enum Missing: String, Sendable, CaseIterable {
    /// The mean of the rows to train on.
    case mean
    /// The median of the rows to train on.
    case median
    /// An error.
    case error
  }

  /// The columns of the labels, by name or position: 1 the first, -1 the last.
  package var labels = ["-1"]
  /// Columns of texts, each of which becomes a 1 among 0s.
  package var categorical: [String] = []
  /// Columns of texts, each of which becomes its number among the column's texts.
  package var indexed: [String] = []
  /// Columns of dates, which become days since the beginning of 1970.
  package var dates: [String] = []
  /// Columns that are left out.
  package var dropped: [String] = []
  /// True if numbers are brought to mean 0 and deviation 1 over the training part.
  package var isStandardized = false
  /// The way to fill missing cells.
  package var missing = Missing.error
  /// True if labels are values; else they are classes, and where there are several each is yes or
  /// no.
  package var isRegression = false
  /// The parts that rows are divided into.
  package var split = SplitPlan()
  /// A table to validate on instead of a part of the rows.
  package var validation: String?
  /// A data set file or checkpoint whose columns, categories, classes, means and deviations are
  /// taken.
  package var like: String?
  /// The character between cells, in ASCII.
  package var separator = UInt8(ascii: ",")
  /// True if the first line names the columns; else they are called 1, 2, ...
  package var hasHeader = true
  /// Told what is worth knowing, such as which column is the label.
  package var notice: (String) -> Void = { _ in }

  /// Makes a packer.
  package init() {}

  private var dialect: Table.Dialect { .init(separator: separator, hasHeader: hasHeader) }

  /// Packs into `train.safetensors`, `validation.safetensors` and so on in the folder `output`, with
  /// ``like`` into `rows.safetensors` alone: x F32 `[N, numbers]`, y I32 `[N]` classes or F32
  /// `[N, labels]` values.
  ///
  /// Classes are the texts of the label's column, sorted, by number where all are integers;
  /// metadata has them as `class_names`, and under `table` what each column became. A table for
  /// ``like`` without the labels' columns makes x alone, to predict.
  ///
  /// - Throws: `FormatError` naming line and column, and `DataError` for settings that do not fit.
  package func pack(_ path: String, output: String) throws -> [PackedFile] {
    try like.map { try pack(path, like: $0, output: output) } ?? packAnew(path, output: output)
  }

  private func packAnew(_ path: String, output: String) throws -> [PackedFile] {
    let table = try Table(
      path: path, dialect, allowsMissing: missing != .error, choose: choose)
    let scan = try TableScan(table, keepsLabels: split.isStratified && validation == nil)
    let rows = try RowSplit(
      count: scan.rowCount, validation == nil ? split : .whole, labels: scan.labels, source: path)
    let target = try PackOutput(
      output, parts: rows.sets.joined().count + (validation == nil ? 0 : 1),
      canBeOne: validation == nil)
    var files: [PackedFile] = []
    for set in rows.sets {
      let schema = try schema(of: table, scan) { rows.contains($0, in: set[0]) }
      var parts = set.map { part in
        TablePart(name: part.name, table: table, count: rows.count(of: part)) {
          rows.contains($0, in: part)
        }
      }
      var classes = scan.classes.values
      if let validation {
        let other = try read(validation, schema)
        let scan = try TableScan(other, like: schema)
        classes += scan.classes.values
        parts.append(TablePart(name: "validation", table: other, count: scan.rowCount))
      }
      if files.isEmpty {
        notice(
          "label: \(schema.labels.joined(separator: ", ")); \(counted(schema.width, "number")) a row"
        )
      }
      let names = schema.labelKind.isNumeric ? nil : TableColumn.sorted(classes)
      files += try write(parts, schema, names.map { ($0, path) }, target)
    }
    return files
  }

  private func pack(_ path: String, like: String, output: String) throws -> [PackedFile] {
    let like = try PackLike(like)
    let schema = try TableSchema(like.file)
    let table = try read(path, schema)
    if table.labels.isEmpty {
      let names = schema.labels.map { "\"\($0)\"" }.joined(separator: ", ")
      notice("\(path): has no column \(names); packed without labels, to predict")
    }
    let scan = try TableScan(table, like: schema)
    // Rows without labels need no names of classes.
    let known = try ClassNames.read(like.file)
    let classes =
      schema.labelKind.isNumeric || table.labels.isEmpty && known == nil
      ? nil : try like.classes().names
    return try write(
      [TablePart(name: "rows", table: table, count: scan.rowCount)], schema,
      classes.map { ($0, like.path) }, try PackOutput(output, parts: 1))
  }

  /// The columns that the options name.
  private func choose(_ names: ColumnNames) throws -> Table.Choice {
    let labels = try labels.map { try names.column($0, option: "label") }
    guard Set(labels).count == labels.count else {
      throw DataError("label: names a column twice, name each once")
    }
    var kinds: [Int: (kind: TableColumn.Kind?, option: String)] = [:]
    for label in labels { kinds[label] = (nil, "label") }
    let options: [(String, [String], TableColumn.Kind?)] = [
      ("categorical", categorical, .categories), ("index", indexed, .index),
      ("date", dates, .date), ("drop", dropped, nil),
    ]
    for (option, columns, kind) in options {
      for place in try Set(columns.map { try names.column($0, option: option) }) {
        if let other = kinds[place]?.option {
          throw DataError(
            "\(other): \"\(names.names[place])\" is in \(option) too, name it once")
        }
        kinds[place] = (kind, option)
      }
    }
    let features = names.names.indices.compactMap { place in
      guard let chosen = kinds[place] else { return (place: place, kind: TableColumn.Kind.number) }
      return chosen.kind.map { (place: place, kind: $0) }
    }
    guard !features.isEmpty else {
      throw DataError(
        names.names.count == 1
          ? "the table has one column; say what stands between cells, as --separator ';'"
          : "drop: leaves no column but the label")
    }
    let kind: TableColumn.Kind =
      isRegression ? .number : labels.count > 1 ? .flag : .categories
    return Table.Choice(features: features, labels: labels.map { ($0, kind) })
  }

  /// A table with the columns of a schema, in whatever order.
  private func read(_ path: String, _ schema: TableSchema) throws -> Table {
    func lacks(_ name: String, _ advice: String) -> FormatError {
      FormatError(.content, file: path, "has no column \"\(name)\"", advice: advice)
    }
    let isPlain = separator == Table.Dialect().separator && hasHeader
    return try Table(
      path: path, isPlain ? schema.dialect : dialect, allowsMissing: schema.allowsMissing,
      isLike: true
    ) { names in
      let features = try schema.features.map { feature in
        guard let place = names.place(feature.name) else {
          throw lacks(feature.name, "give the columns that were packed for training")
        }
        return (place: place, kind: feature.kind)
      }
      let labels = schema.labels.map { names.place($0) }
      if like != nil, labels.allSatisfy({ $0 == nil }) {
        return Table.Choice(features: features, labels: [])
      }
      return try Table.Choice(
        features: features,
        labels: zip(labels, schema.labels).map { place, name in
          guard let place else { throw lacks(name, "give the labels") }
          return (place: place, kind: schema.labelKind)
        })
    }
  }

  /// The way from columns to numbers, by the rows to train on.
  private func schema(
    of table: Table, _ scan: TableScan, isTraining: @escaping (Int) -> Bool
  ) throws -> TableSchema {
    let numbers = table.features.indices.filter { table.features[$0].kind.isNumeric }
    var moments = [ColumnMoments](repeating: ColumnMoments(), count: table.features.count)
    if !numbers.isEmpty {
      try table.eachRow { row in
        guard isTraining(row.number) else { return }
        for index in numbers {
          if let number = try row.number(table.features[index]) { moments[index].add(number) }
        }
      }
    }
    if let empty = numbers.first(where: { moments[$0].count == 0 }) {
      throw FormatError(
        .content, file: table.path,
        "column \"\(table.features[empty].name)\" has no value to train on",
        advice: "leave it out by \(OptionName.drop) \(table.features[empty].place + 1)")
    }
    let medians = try missing == .median ? medians(table, moments, isTraining) : [:]
    let features = table.features.enumerated().map { index, column in
      guard column.kind.isNumeric else {
        return TableSchema.Feature(
          name: column.name, kind: column.kind,
          values: TableColumn.sorted(scan.texts[index].values))
      }
      let mean = moments[index].mean
      return TableSchema.Feature(
        name: column.name, kind: column.kind, mean: mean, deviation: moments[index].deviation,
        fill: medians[index] ?? mean)
    }
    return TableSchema(
      features: features, labels: table.labels.map(\.name), isRegression: isRegression,
      isStandardized: isStandardized, allowsMissing: missing != .error, dialect: dialect)
  }

  /// The medians of all columns of numbers, some columns at a time: each takes a megabyte.
  private func medians(
    _ table: Table, _ moments: [ColumnMoments], _ isTraining: (Int) -> Bool
  ) throws -> [Int: Double] {
    let columns = table.features.indices.filter { table.features[$0].kind.isNumeric }
    var medians: [Int: Double] = [:]
    for first in stride(from: 0, to: columns.count, by: 64) {
      let group = columns[first..<min(first + 64, columns.count)]
      var searches = group.map { MedianSearch(count: Int(moments[$0].count)) }
      for _ in 0..<MedianSearch.passes {
        for index in searches.indices { searches[index].begin() }
        try table.eachRow { row in
          guard isTraining(row.number) else { return }
          for (index, column) in zip(searches.indices, group) {
            if let number = try row.number(table.features[column]) { searches[index].add(number) }
          }
        }
        for index in searches.indices { searches[index].end() }
      }
      for (search, column) in zip(searches, group) { medians[column] = search.value }
    }
    return medians
  }

  private func write(
    _ parts: [TablePart], _ schema: TableSchema, _ classes: (names: [String], source: String)?,
    _ target: PackOutput
  ) throws -> [PackedFile] {
    let hasTexts = schema.features.contains { $0.kind == .categories }
    for part in parts {
      let (count, overflow) = part.count.multipliedReportingOverflow(by: schema.width)
      guard !overflow, count <= TokenRows.mostElements || !hasTexts else {
        throw FormatError(
          .content, file: part.table.path,
          "would have \(schema.width) numbers in each of \(counted(part.count, "row"))",
          advice: "leave columns with many different texts out of \(OptionName.categorical)")
      }
    }
    var metadata = ["source": "CSV", TableSchema.key: schema.json.description]
    if let names = classes?.names {
      metadata["classes"] = String(names.count)
      metadata[ClassNames.key] = ClassNames(names).text
    } else if schema.labels.count > 1 {
      metadata[ClassNames.key] = ClassNames(schema.labels).text
    }
    return try parts.map { part in
      let tensors = part.tensors(schema, classes: classes)
      let path = target.path(part.name)
      try PackedFile.write(tensors, metadata: metadata, to: path)
      return PackedFile(path: path, shape: tensors[0].shape)
    }
  }
}
