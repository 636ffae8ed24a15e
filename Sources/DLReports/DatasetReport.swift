import DLCore
import DLData
import DLFormats
import DLJobs
import DLTensor

/// A report of what a data set file holds, for `normalize` and for a first look.
package enum DatasetReport {
  /// Shape, classes with their rows, and least, greatest, mean and deviation of each channel; of
  /// texts and graphs what there is to count.
  ///
  /// Bytes are shown divided by 255, as `normalize` sees them. Reads the whole file once.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  /// - Throws: `FormatError`, `DataError`.
  package static func text(path: String, columns: Int? = nil) throws -> String {
    let path =
      File.isFolder(path) ? try DataFiles.list(path)[0] : try EmbeddedData.resolve(path)
    if try GraphFile.isGraph(path) { return graph(try GraphFile(path: path), columns) }
    if try TokenWindowDataset.isTokenFile(path) { return try tokens(path, columns) }
    let file = try SafetensorsFile(path: path)
    if StoredImages.areEncoded(file) { return try encoded(path, columns) }
    let dataset = try TensorFileDataset(path: path, ignoredLabel: TaggedPacker.ignored)
    if dataset.rowLengths != nil, dataset.inputType == .int32 {
      if let words = try wordTokenizer(path) { return try self.words(dataset, words, columns) }
      return try pairs(dataset, columns)
    }
    var channels = ChannelSums(
      count: dataset.inputType == .int32 ? 1 : dataset.inputShape.last ?? 1)
    var classes = [Int](repeating: 0, count: min(dataset.classCount ?? 0, 1 << 20))
    try eachPiece(of: dataset) { inputs, labels in
      switch dataset.inputType {
      case .uint8: channels.add(inputs.bindMemory(to: UInt8.self)) { Double($0) / 255 }
      case .float32: channels.add(inputs.bindMemory(to: Float.self)) { Double($0) }
      default: channels.add(inputs.bindMemory(to: Int32.self)) { Double($0) }
      }
      if dataset.labelType == .int32 {
        for label in labels.bindMemory(to: Int32.self)
        where label >= 0 && Int(label) < classes.count {
          classes[Int(label)] += 1
        }
      }
    }
    return describe(
      dataset, classes: classes, channels: channels, names: try classNames(path), columns)
  }

  private static func describe(
    _ dataset: TensorFileDataset, classes: [Int], channels: ChannelSums, names: [String],
    _ columns: Int?
  ) -> String {
    var lines = [
      ["rows", Format.grouped(dataset.count)],
      ["x", "\(dataset.inputType) \(dataset.inputShape)"],
      ["y", "\(dataset.labelType) \(dataset.labelShape)"],
    ]
    if let count = dataset.classCount { lines.append(["classes", Format.grouped(count)]) }
    var text = Format.table(lines, columns: columns)
    if !classes.isEmpty {
      let shown = classes.prefix(100).enumerated().map { index, count in
        ["\(index)", Format.grouped(count)] + (index < names.count ? [names[index]] : [])
      }
      text +=
        "\n\n"
        + Format.table([["class", "labels"]] + shown, rightAligned: [0, 1], columns: columns)
      if classes.count > 100 { text += "\n... and \(classes.count - 100) more" }
    }
    let rows = channels.sums.prefix(100).enumerated().map { index, sums in
      ["\(index)"]
        + [sums.least, sums.greatest, sums.mean, sums.deviation].map { Format.significant($0, 4) }
    }
    text +=
      "\n\n"
      + Format.table(
        [["channel", "min", "max", "mean", "std"]] + rows, rightAligned: [0, 1, 2, 3, 4],
        columns: columns)
    if channels.sums.count > rows.count {
      text += "\n... and \(channels.sums.count - rows.count) more"
    }
    if dataset.inputType != .int32, channels.sums.count <= 16 {
      func list(_ value: (ChannelSums.Sums) -> Double) -> String {
        channels.sums.map { Format.significant(value($0), 4) }.joined(separator: ", ")
      }
      let line = "normalize: {mean: [\(list(\.mean))], std: [\(list(\.deviation))]}"
      text += "\n\n" + Format.wrapped(line, columns, indent: "  ")
    }
    return text
  }

  static func eachPiece(
    of dataset: TensorFileDataset,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws -> Void
  ) throws {
    let perRow = max(dataset.inputByteCount + dataset.labelByteCount, 1)
    let piece = max(1, min(dataset.count, (4 << 20) / perRow))
    let (inputBytes, overflow) = piece.multipliedReportingOverflow(by: dataset.inputByteCount)
    guard !overflow, inputBytes < 1 << 34 else {
      throw DataError(
        "\(dataset.path): a row has \(dataset.inputByteCount) bytes, too many to describe")
    }
    let inputs = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(inputBytes, 1), alignment: 64)
    let labels = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(piece * dataset.labelByteCount, 1), alignment: 64)
    defer {
      inputs.deallocate()
      labels.deallocate()
    }
    for start in stride(from: 0, to: dataset.count, by: piece) {
      let rows = Array(start..<min(start + piece, dataset.count))
      let x = UnsafeMutableRawBufferPointer(
        rebasing: inputs[..<(rows.count * dataset.inputByteCount)])
      let y = UnsafeMutableRawBufferPointer(
        rebasing: labels[..<(rows.count * dataset.labelByteCount)])
      try rows.withUnsafeBufferPointer { try dataset.read(rows: $0, inputs: x, labels: y) }
      try body(UnsafeRawBufferPointer(x), UnsafeRawBufferPointer(y))
    }
  }
}

/// Least, greatest, mean and deviation per channel.
private struct ChannelSums {
  struct Sums {
    var least = Double.infinity
    var greatest = -Double.infinity
    var mean = 0.0
    var squares = 0.0
    var count = 0.0

    var deviation: Double { count > 0 ? (squares / count).squareRoot() : 0 }

    /// Welford 1962: the mean and the squares about it, one value at a time.
    mutating func add(_ value: Double) {
      least = min(least, value)
      greatest = max(greatest, value)
      count += 1
      let difference = value - mean
      mean += difference / count
      squares += difference * (value - mean)
    }
  }

  var sums: [Sums]

  init(count: Int) { sums = Array(repeating: Sums(), count: max(count, 1)) }

  mutating func add<T>(_ values: UnsafeBufferPointer<T>, _ convert: (T) -> Double) {
    let count = sums.count
    sums.withUnsafeMutableBufferPointer { sums in
      for index in values.indices { sums[index % count].add(convert(values[index])) }
    }
  }
}
