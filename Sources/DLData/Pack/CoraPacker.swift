import DLCore
import DLFormats

/// Turns a citation graph of two tables into a graph file.
package enum CoraPacker {
  /// Reads `nodes.tsv` (node, class, split, indices of the words that occur, parted by blanks) and
  /// `edges.tsv` (two nodes, undirected, once) in the folder `directory`, whose first lines may be
  /// comments after `#`, and writes the graph file `output`; see ``GraphFile``.
  ///
  /// Splits are `train`, `val`, `test` or `-`, or those of `split` in their place. Words number
  /// `words`, or one more than the largest.
  ///
  /// - Throws: `FormatError` naming file and line, and `DataError` for folds, which would be
  ///   several files.
  package static func pack(
    directory: String, output: String, words: Int? = nil, split: SplitPlan? = nil
  ) throws -> GraphFile {
    guard split?.folds == nil else {
      throw DataError(
        "folds: a graph is one file whose nodes know their part; give \(OptionName.split) with several \(OptionName.seed)"
      )
    }
    var table = Table()
    try eachLine("\(directory)/nodes.tsv") { line, fault in try table.addNode(line, fault) }
    let nodesPath = "\(directory)/nodes.tsv"
    guard !table.labels.isEmpty else {
      throw FormatError(.content, file: nodesPath, "has no nodes", advice: "give a complete file")
    }
    try eachLine("\(directory)/edges.tsv") { line, fault in try table.addEdge(line, fault) }
    if let split {
      let rows = try RowSplit(
        count: table.labels.count, split, labels: table.labels, source: nodesPath)
      for (number, part) in rows.sets[0].enumerated() {
        for row in rows.rows(of: part) { table.splits[row] = UInt8(number + 1) }
      }
    }
    let largest = Int(table.words.max() ?? -1) + 1
    guard (words ?? largest) < 1 << 31 else {
      throw DataError(
        "features: \(words ?? largest) is out of range, give at most \((1 << 31) - 1)")
    }
    guard words ?? largest >= largest else {
      throw FormatError(
        .content, file: nodesPath, "has the word \(largest - 1), \(words ?? 0) are expected",
        advice: "give at least \(largest)")
    }
    try write(table, features: max(words ?? largest, 1), to: output)
    return try GraphFile(path: output)
  }

  private struct Table {
    var labels: [Int32] = []
    var splits: [UInt8] = []
    var offsets: [Int32] = [0]
    var words: [Int32] = []
    var edges: [Int32] = []

    mutating func addNode(_ line: Substring, _ fault: (String) -> FormatError) throws {
      let cells = line.parts(at: "\t")
      guard (3...4).contains(cells.count), Int(cells[0]) == labels.count else {
        throw fault("is not: the node \(labels.count), its class, its split, its words")
      }
      guard let label = Int32(cells[1]), label >= 0, label < 1 << 24 else {
        throw fault("has the class \"\(cells[1].prefix(20))\"")
      }
      guard let split = ["-", "train", "val", "test"].firstIndex(of: String(cells[2])) else {
        throw fault("has the split \"\(cells[2].prefix(20))\", none of train, val, test and -")
      }
      for cell in cells.count == 4 ? cells[3].parts(at: " ", omittingEmpty: true) : [] {
        guard let word = Int32(cell), word >= 0, word < Int32.max else {
          throw fault("has the word \"\(cell.prefix(20))\"")
        }
        words.append(word)
      }
      labels.append(label)
      splits.append(UInt8(split))
      offsets.append(Int32(words.count))
    }

    mutating func addEdge(_ line: Substring, _ fault: (String) -> FormatError) throws {
      let cells = line.parts(at: "\t").map { Int32($0) }
      guard cells.count == 2, let a = cells[0], let b = cells[1],
        labels.indices.contains(Int(a)), labels.indices.contains(Int(b))
      else { throw fault("is not two nodes of 0 to \(labels.count - 1)") }
      edges += [a, b]
    }
  }

  private static func eachLine(
    _ path: String, _ body: (Substring, (String) -> FormatError) throws -> Void
  ) throws {
    for (index, line) in try TextFile.lines(of: path).enumerated()
    where !line.begins(with: "#") && !line.isEmpty {
      try body(line) {
        FormatError(.content, file: path, "line \(index + 1) \($0)", advice: "correct it")
      }
    }
  }

  private static func write(_ table: Table, features: Int, to path: String) throws {
    func tensor(_ name: String, _ shape: [Int], _ values: [Int32]) -> SafetensorsTensor {
      SafetensorsTensor(name: name, dtype: .int32, shape: shape) { sink in
        try values.withUnsafeBytes { try sink($0) }
      }
    }
    try PackedFile.write(
      [
        tensor("feature_offsets", [table.offsets.count], table.offsets),
        tensor("feature_indices", [table.words.count], table.words),
        tensor("edges", [table.edges.count / 2, 2], table.edges),
        tensor("labels", [table.labels.count], table.labels),
        SafetensorsTensor(name: "split", dtype: .uint8, shape: [table.splits.count]) { sink in
          try table.splits.withUnsafeBytes { try sink($0) }
        },
      ],
      metadata: [
        "source": "graph tables", "features": String(features),
        "classes": String(Int(table.labels.max() ?? 0) + 1),
      ], to: path)
  }
}
