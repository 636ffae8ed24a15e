import DLCore
import DLData
import DLFormats
import DLJobs

// What there is to tell of data sets that are not rows of numbers.
extension DatasetReport {
  /// The names of the classes, where the file has them; `data pack images` writes them.
  static func classNames(_ path: String) throws -> [String] {
    guard let text = try SafetensorsFile(path: path).metadata["class_names"] else { return [] }
    return (try JSON(parsing: text, file: path).array ?? []).map { shown($0.string ?? "", 40) }
  }

  /// A row of tokens: how many, of how many kinds, and its beginning.
  static func tokens(_ path: String, _ columns: Int?) throws -> String {
    let file = try SafetensorsFile(path: path)
    let info = try file.info("tokens")
    let tokenizer = try TokenizerFile.read(path: path)
    let count = min(info.count, 60)
    // Opened as a data set, the file is checked as training would.
    let dataset = try TokenWindowDataset(path: path, window: max(min(count, info.count - 1), 1))
    let beginning = try withUnsafeTemporaryAllocation(
      of: Int32.self, capacity: 2 * dataset.inputCount
    ) { buffer in
      let half = UnsafeMutableBufferPointer(rebasing: buffer[..<dataset.inputCount])
      let rest = UnsafeMutableBufferPointer(rebasing: buffer[dataset.inputCount...])
      try [0].withUnsafeBufferPointer {
        try dataset.read(
          rows: $0, inputs: UnsafeMutableRawBufferPointer(half),
          labels: UnsafeMutableRawBufferPointer(rest))
      }
      return try tokenizer.decode(Array(half))
    }
    return Format.table(
      [
        ["tokens", Format.grouped(dataset.tokenCount)],
        ["vocabulary", Format.grouped(tokenizer.count)],
        ["begins", shown(beginning, 60)],
      ], columns: columns)
  }

  /// Rows of padded sentences: how many, how long, and the first pair.
  static func pairs(_ dataset: TensorFileDataset, _ columns: Int?) throws -> String {
    let file = try SafetensorsFile(path: dataset.path)
    let lengths = try file.bytes("lengths").withUnsafeBytes { bytes in
      bytes.bindMemory(to: Int32.self).map(Int.init)
    }
    let each = lengths.count / dataset.count
    var lines = [
      ["rows", Format.grouped(dataset.count)], ["x", "\(dataset.inputType) \(dataset.inputShape)"],
      ["y", "\(dataset.labelType) \(dataset.labelShape)"],
    ]
    for (column, name) in ["x", "y"].enumerated() where each == 2 {
      let column = (0..<dataset.count).map { lengths[2 * $0 + column] }
      let mean = Double(column.reduce(0, &+)) / Double(column.count)
      lines.append([
        "lengths of \(name)", "mean \(Format.fixed(mean, 1)), longest \(column.max() ?? 0)",
      ])
    }
    if file.metadata[TokenizerFile.key] != nil {
      let tokenizer = try TokenizerFile.read(path: dataset.path)
      lines.append(["vocabulary", Format.grouped(tokenizer.count)])
      for name in ["x", "y"] {
        let info = try file.info(name)
        var row = [Int32](repeating: 0, count: info.rowByteCount / 4)
        try row.withUnsafeMutableBytes { try file.read(info, rows: 0..<1, into: $0) }
        lines.append(["first \(name)", shown(try tokenizer.decode(row), 60)])
      }
    }
    return Format.table(lines, columns: columns)
  }

  /// A graph: nodes, edges, features, and the nodes of each split and class.
  static func graph(_ graph: GraphFile, _ columns: Int?) -> String {
    let features = Double(graph.featureIndices.count) / Double(graph.nodeCount)
    var lines = [
      ["nodes", Format.grouped(graph.nodeCount)], ["edges", Format.grouped(graph.edgeCount)],
      [
        "features",
        "\(Format.grouped(graph.featureCount)), mean \(Format.fixed(features, 1)) of a node",
      ],
      ["classes", Format.grouped(graph.classCount)],
    ]
    for split in GraphFile.Split.allCases where split != .none {
      lines.append(["\(split)", Format.grouped(graph.nodes(split).count)])
    }
    var counts = [Int](repeating: 0, count: min(graph.classCount, 100))
    for label in graph.labels where Int(label) < counts.count { counts[Int(label)] += 1 }
    let classes = counts.enumerated().map { ["\($0)", Format.grouped($1)] }
    return Format.table(lines, columns: columns) + "\n\n"
      + Format.table([["class", "nodes"]] + classes, rightAligned: [0, 1])
  }

  /// The text on one line, at most `length` characters of it.
  static func shown(_ text: String, _ length: Int) -> String {
    let line = text.unicodeScalars.prefix(length).map { scalar in
      scalar.properties.generalCategory == .control ? " " : String(scalar)
    }.joined()
    return text.unicodeScalars.count > length ? line + "..." : line
  }
}
