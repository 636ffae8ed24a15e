import DLCore
import DLFormats

/// Turns tables of comma-separated values into data set files.
package struct CSVPacker {
  /// The column of the label, by its name or its position: 1 the first, -1 the last.
  package var label = "-1"
  /// Columns of texts, each of which becomes a 1 among 0s.
  package var categorical: [String] = []
  /// Columns that are left out.
  package var dropped: [String] = []
  /// Whether numbers are brought to mean 0 and deviation 1 over the training part.
  package var isStandardized = false
  /// Whether missing numbers become the mean of the training part; else they are errors.
  package var fillsMissing = false
  /// Whether labels are values and no classes.
  package var isRegression = false
  /// The part of the rows that is for training, drawn by `seed`; 1 for one part.
  package var fraction = 0.9
  /// Keys which rows are for training.
  package var seed = 1
  /// A table to validate on instead of a part of the rows.
  package var validation: String?
  /// A data set file whose columns, categories, classes, means and deviations are taken.
  package var like: String?
  /// What stands between cells, an ASCII character.
  package var separator = UInt8(ascii: ",")
  /// Whether the first line names the columns; else they are called 1, 2, ...
  package var hasHeader = true
  /// Told what is worth knowing, such as which column is the label.
  package var notice: (String) -> Void = { _ in }

  /// Makes a packer.
  package init() {}

  private var dialect: Table.Dialect { .init(separator: separator, hasHeader: hasHeader) }

  /// Packs into `train.safetensors` and `validation.safetensors` in the folder `output`, with
  /// ``like`` into `rows.safetensors` alone: x F32 `[N, numbers]`, y I32 `[N]` classes or F32
  /// `[N, 1]` values.
  ///
  /// Classes are the texts of the label's column, sorted, by number where all are integers; metadata
  /// has them as `class_names`, and under `table` what each column became. A table for ``like``
  /// without the label's column makes x alone, to predict. Throws `FormatError` naming line and
  /// column, and `DataError` for settings that do not fit.
  package func pack(_ path: String, output: String) throws -> [PackedFile] {
    try like.map { try pack(path, like: $0, output: output) } ?? packAnew(path, output: output)
  }

  private func packAnew(_ path: String, output: String) throws -> [PackedFile] {
    let table = try Table(path: path, dialect, allowsMissing: fillsMissing, choose: choose)
    let split = try RowSplit(
      count: table.rowCount, fraction: validation == nil ? fraction : 1, seed: seed, source: path)
    let schema = try schema(of: table, rows: split.train)
    let other = try validation.map { try read($0, schema) }
    var parts = [TablePart(name: "train", table: table, rows: split.train)]
    if let other {
      parts.append(TablePart(name: "validation", table: other))
    } else if !split.validation.isEmpty {
      parts.append(TablePart(name: "validation", table: table, rows: split.validation))
    }
    notice("label: \(schema.label); \(counted(schema.width, "number")) a row")
    let names =
      isRegression
      ? nil : TableColumn.sorted(parts.flatMap { $0.table.label?.values ?? [] })
    return try write(parts, schema, names, namesSource: path, output: output)
  }

  private func pack(_ path: String, like: String, output: String) throws -> [PackedFile] {
    let like = try PackLike(like)
    let schema = try TableSchema(like.file)
    let table = try read(path, schema)
    if table.label == nil {
      notice("\(path): has no column \"\(schema.label)\"; packed without labels, to predict")
    }
    let names = schema.isRegression ? nil : try like.classes().names
    return try write(
      [TablePart(name: "rows", table: table)], schema, names, namesSource: like.path,
      output: output)
  }

  /// Which columns the options name.
  private func choose(_ names: ColumnNames) throws -> (
    features: [(place: Int, kind: TableColumn.Kind)], label: (place: Int, kind: TableColumn.Kind)?
  ) {
    let label = try names.column(label, option: "label")
    let categories = try Set(categorical.map { try names.column($0, option: "categorical") })
    let dropped = try Set(dropped.map { try names.column($0, option: "drop") })
    guard !dropped.contains(label), !categories.contains(label) else {
      throw DataError(
        "label: \"\(names.names[label])\" is in drop or categorical too, leave it out there")
    }
    if let both = categories.intersection(dropped).min() {
      throw DataError("drop: \"\(names.names[both])\" is in categorical too, name it once")
    }
    let features = names.names.indices.filter { $0 != label && !dropped.contains($0) }
    guard !features.isEmpty else { throw DataError("drop: leaves no column but the label") }
    return (
      features.map { ($0, categories.contains($0) ? .categories : .number) },
      (label, isRegression ? .number : .categories)
    )
  }

  /// A table with the columns of a schema, in whatever order.
  private func read(_ path: String, _ schema: TableSchema) throws -> Table {
    try Table(path: path, dialect, allowsMissing: schema.allowsMissing) { names in
      let features = try schema.features.map { feature in
        guard let place = names.place(feature.name) else {
          throw FormatError(
            .content, file: path, "has no column \"\(feature.name)\"",
            advice: "give the columns that were packed for training")
        }
        if case .categories = feature { return (place: place, kind: TableColumn.Kind.categories) }
        return (place: place, kind: TableColumn.Kind.number)
      }
      let label = names.place(schema.label).map {
        (place: $0, kind: schema.isRegression ? TableColumn.Kind.number : .categories)
      }
      guard label != nil || like != nil else {
        throw FormatError(
          .content, file: path, "has no column \"\(schema.label)\"", advice: "give the labels")
      }
      return (features, label)
    }
  }

  private func schema(of table: Table, rows: [Int]) throws -> TableSchema {
    let features = try table.features.map { column -> TableSchema.Feature in
      switch column.kind {
      case .categories:
        return .categories(name: column.name, values: TableColumn.sorted(column.values))
      case .number:
        guard let (mean, deviation) = column.statistics(rows) else {
          throw FormatError(
            .content, file: table.path, "column \"\(column.name)\" has no value to train on",
            advice: "leave it out by --drop")
        }
        return .number(name: column.name, mean: mean, deviation: deviation)
      }
    }
    return TableSchema(
      features: features, label: table.label?.name ?? label, isRegression: isRegression,
      isStandardized: isStandardized, allowsMissing: fillsMissing)
  }

  private func write(
    _ parts: [TablePart], _ schema: TableSchema, _ names: [String]?, namesSource: String,
    output: String
  ) throws -> [PackedFile] {
    let target = try PackOutput(output, parts: parts.count)
    for part in parts {
      let (count, overflow) = part.rows.count.multipliedReportingOverflow(by: schema.width)
      guard !overflow, count <= TokenRows.mostElements else {
        throw FormatError(
          .content, file: part.table.path,
          "would have \(schema.width) numbers in each of \(counted(part.rows.count, "row"))",
          advice: "leave columns with many different texts out of --categorical")
      }
    }
    let tensors = try parts.map {
      try $0.tensors(schema, classes: names, namesSource: namesSource)
    }
    var metadata = ["source": "CSV", TableSchema.key: schema.json.description]
    if let names {
      metadata["classes"] = String(names.count)
      metadata[ClassNames.key] = ClassNames(names).text
    }
    try target.make()
    return try zip(parts, tensors).map { part, tensors in
      let path = target.path(part.name)
      try SafetensorsWriter.write(tensors, metadata: metadata, to: path)
      return PackedFile(path: path, shape: tensors[0].shape)
    }
  }
}
