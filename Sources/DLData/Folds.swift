import DLCore
import DLTensor

/// The rows of a data set in parts of equal size, each to be validated on once: N-fold
/// cross-validation.
///
/// Where a row has one class as its label the parts are stratified: of each class every part has as
/// many rows as every other, give or take one. Kohavi 1995, "A study of cross-validation and
/// bootstrap", section 2. Counterpart: scikit-learn's `StratifiedKFold(shuffle=True)`.
package struct Folds: Sendable, Equatable {
  /// The rows of each part, ascending.
  package let parts: [[Int]]

  /// Deals out rows; the seed alone decides which goes where.
  ///
  /// - Parameters:
  ///   - labels: the class of each row; nil where there is none to go by.
  ///   - rows: the number of rows.
  /// - Throws: `DataError` where a part would be empty.
  package init(count: Int, rows: Int, labels: [Int32]?, seed: UInt64) throws {
    guard count >= 2, count <= rows else {
      throw DataError(
        "data.folds: \(count) parts of \(counted(rows, "row")), "
          + (rows < 2 ? "which cannot be parted; use more rows" : "give 2 to \(rows)"),
        exitCode: .usage)
    }
    let key = RandomKey(Int(truncatingIfNeeded: seed)).child("folds")
    var parts = [[Int]](repeating: [], count: count)
    // Each class goes on with the part behind that where the last one ended, so that sizes stay equal.
    var next = 0
    for (label, members) in Folds.classes(labels, rows: rows) {
      var order = members
      var stream = RandomStream(key.child(label))
      for last in stride(from: order.count - 1, to: 0, by: -1) {
        order.swapAt(last, stream.upTo(last + 1))
      }
      for row in order {
        parts[next].append(row)
        next = (next + 1) % count
      }
    }
    self.parts = parts.map { $0.sorted() }
  }

  /// The rows of each class, by ascending class.
  private static func classes(_ labels: [Int32]?, rows: Int) -> [(label: Int, rows: [Int])] {
    guard let labels else { return [(0, Array(0..<rows))] }
    return Dictionary(grouping: 0..<rows) { labels[$0] }.sorted { $0.key < $1.key }
      .map { (Int($0.key), $0.value) }
  }

  /// All rows but those of a part, ascending.
  package func others(than part: Int) -> [Int] {
    parts.indices.filter { $0 != part }.flatMap { parts[$0] }.sorted()
  }
}

extension Dataset {
  /// Calls `body` with rows in their order, some at a time, as they are read.
  ///
  /// - Parameters:
  ///   - rows: those that are read.
  ///   - atOnce: rows of a piece; as many as fit some megabytes unless given.
  /// - Throws: `DataError` without memory for a piece; what reading throws; what `body` throws.
  package func eachPiece(
    of rows: Range<Int>, atOnce: Int? = nil,
    _ body: (
      _ rows: Range<Int>, _ inputs: UnsafeRawBufferPointer, _ labels: UnsafeRawBufferPointer
    ) throws -> Void
  ) throws {
    let perRow = CheckedSize(inputByteCount) + CheckedSize(labelByteCount)
    let piece = atOnce ?? max(1, min(count, (4 << 20) / max(perRow.value, 1)))
    try (perRow * piece).checkMemory(
      for: "\(piece) rows of \(perRow.value) bytes", advice: "use smaller rows")
    let inputs = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(piece * inputByteCount, 1), alignment: 64)
    let labels = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(piece * labelByteCount, 1), alignment: 64)
    defer {
      inputs.deallocate()
      labels.deallocate()
    }
    for start in stride(from: rows.lowerBound, to: rows.upperBound, by: piece) {
      let part = start..<min(start + piece, rows.upperBound)
      let x = UnsafeMutableRawBufferPointer(rebasing: inputs[..<(part.count * inputByteCount)])
      let y = UnsafeMutableRawBufferPointer(rebasing: labels[..<(part.count * labelByteCount)])
      try Array(part).withUnsafeBufferPointer { try read(rows: $0, inputs: x, labels: y) }
      try body(part, UnsafeRawBufferPointer(x), UnsafeRawBufferPointer(y))
    }
  }

  /// The class of each row; nil where a label is more than one class, or a value.
  ///
  /// - Throws: what reading the labels throws, such as `FormatError` of a file; `DataError` without
  ///   memory for a piece.
  package func rowClasses() throws -> [Int32]? {
    guard labelType == .int32, labelCount == 1 else { return nil }
    if let file = self as? TensorFileDataset { return try file.labelsOfRows() }
    if let files = self as? ConcatenatedDataset {
      return try files.parts.flatMap { try $0.labelsOfRows() }
    }
    var classes: [Int32] = []
    classes.reserveCapacity(count)
    try eachPiece(of: 0..<count) { _, _, labels in
      classes += labels.bindMemory(to: Int32.self)
    }
    return classes
  }
}
