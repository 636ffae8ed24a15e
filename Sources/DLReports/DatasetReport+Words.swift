import DLCore
import DLData
import DLFormats

// What there is to tell of rows of words, which have a class each, or one for each word.
extension DatasetReport {
  /// The tokenizer of a file whose rows are texts; nil for other tokens.
  static func wordTokenizer(_ path: String) throws -> (any RowTokenizer)? {
    let file = try SafetensorsFile(path: path)
    // Pairs of sentences have two lengths.
    guard file.metadata[TokenizerFile.key] != nil, file["lengths"]?.shape.count == 1 else {
      return nil
    }
    return try TokenizerFile.read(path: path) as? any RowTokenizer
  }

  /// Rows, lengths, the vocabulary, the first row, and how often each class occurs.
  static func words(_ dataset: TensorFileDataset, _ words: any RowTokenizer, _ columns: Int?) throws
    -> String
  {
    let file = try SafetensorsFile(path: dataset.path)
    let names = try ClassNames.read(file)?.names ?? []
    let lengths = dataset.rowLengths ?? []
    let mean = lengths.reduce(0) { $0 + Double($1) } / Double(max(lengths.count, 1))
    var counts = [Int](repeating: 0, count: min(dataset.classCount ?? 0, 1 << 20))
    var isFirst = true
    var first: (x: [Int32], y: [Int32]) = ([], [])
    try eachPiece(of: dataset) { inputs, labels in
      let (inputs, labels) = (
        inputs.bindMemory(to: Int32.self), labels.bindMemory(to: Int32.self)
      )
      if isFirst {
        first = (Array(inputs.prefix(dataset.inputCount)), Array(labels.prefix(dataset.labelCount)))
      }
      isFirst = false
      for label in labels where label >= 0 && Int(label) < counts.count { counts[Int(label)] += 1 }
    }
    func name(_ label: Int32) -> String {
      label >= 0 && Int(label) < names.count ? names[Int(label)] : String(label)
    }
    let labels = first.y.prefix(max(dataset.labelShape.isEmpty ? 1 : Int(lengths.first ?? 1), 0))
    let lines = [
      ["rows", Format.grouped(dataset.count)], ["x", "\(dataset.inputType) \(dataset.inputShape)"],
      ["y", "\(dataset.labelType) \(dataset.labelShape)"],
      ["lengths", "mean \(Format.fixed(mean, 1)), longest \(lengths.max() ?? 0)"],
      ["vocabulary", Format.grouped(words.count)],
      ["first x", shown(try words.decode(first.x), 60)],
      ["first y", shown(labels.map(name).joined(separator: " "), 60)],
    ]
    let classes = counts.prefix(100).enumerated().map { index, count in
      ["\(index)", Format.grouped(count), shown(name(Int32(index)), 40)]
    }
    return Format.table(lines, columns: columns) + "\n\n"
      + Format.table([["class", "labels"]] + classes, rightAligned: [0, 1], columns: columns)
      + (counts.count > 100 ? "\n... and \(counts.count - 100) more" : "")
  }
}
