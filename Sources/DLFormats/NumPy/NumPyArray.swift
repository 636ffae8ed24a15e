import DLCore

/// An array of a `.npy` file or of a member of a `.npz` archive, read some rows at a time.
///
/// Elements are bool, integers of 8 to 64 bits or floats of 16, 32 or 64, in either order of bytes,
/// and lie in row-major (C) or column-major (Fortran) order. The header is checked against the bytes
/// that are there, as hostile input. Reading takes some megabytes, whatever the array's size. To be
/// used by one thread.
package final class NumPyArray {
  /// The file, and of an archive the array's name in it.
  package let name: String
  /// The type of its elements.
  package let type: NumPyType
  /// The sizes of the axes.
  package let shape: [Int]
  /// True if the first axis runs fastest.
  package let isFortran: Bool

  private let content: any NumPyContent
  private let start: Int

  /// Bytes that are read at once, at most, but for a longer row.
  private static let pieceBytes = 1 << 22
  /// Bytes of the block of rows that is put together of columns.
  private static let blockBytes = 1 << 27

  /// Opens a `.npy` file.
  ///
  /// - Throws: `FormatError` for a file that is damaged, or of other elements than numbers.
  package convenience init(path: String) throws {
    try self.init(name: path, PlainContent(File(path, .read)))
  }

  init(name: String, _ content: any NumPyContent) throws {
    let header = try NumPyHeader(name: name, byteCount: content.byteCount) { range in
      try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
        let bytes = UnsafeMutableRawBufferPointer(buffer)
        try content.read(
          into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<range.count]),
          at: range.lowerBound)
        count = range.count
      }
    }
    (self.name, self.content) = (name, content)
    (type, shape, start) = (header.type, header.shape, header.start)
    isFortran = header.isFortran && header.shape.count > 1
  }

  /// The number of rows; 0 for a single number.
  package var rowCount: Int { shape.first ?? 0 }

  /// Elements of a row.
  package var rowElements: Int { shape.contains(0) ? 0 : shape.dropFirst().reduce(1, *) }

  /// The most elements of a row: a few rows are in memory at once.
  private static let longestRow = 1 << 28

  /// Calls `body` with all rows in their order, some at a time, as elements of another type.
  ///
  /// - Parameter type: U8, I32 or F32. Integers must have their value there; float64 is rounded.
  /// - Throws: a content error that names the first row with an element which has no equal there.
  package func eachPiece(
    as type: SafetensorsType,
    _ body: (_ rows: Range<Int>, _ elements: UnsafeMutableRawBufferPointer) throws -> Void
  ) throws {
    guard rowCount > 0, rowElements > 0 else { return }
    guard rowElements <= Self.longestRow else {
      throw FormatError(
        .content, file: name,
        "has rows of \(rowElements) elements, at most \(Self.longestRow) are read",
        advice: "check that the first axis counts rows")
    }
    let limit = isFortran ? Self.blockBytes : Self.pieceBytes
    let width = max(self.type.width, type.byteCount)
    let atOnce = min(rowCount, max(1, limit / (rowElements * width)))
    let size = rowElements * atOnce
    let target = UnsafeMutableRawBufferPointer.allocate(
      byteCount: size * type.byteCount, alignment: 64)
    let source = UnsafeMutableRawBufferPointer.allocate(
      byteCount: (isFortran ? atOnce : size) * self.type.width, alignment: 64)
    defer {
      target.deallocate()
      source.deallocate()
    }
    let conversion = NumPyConversion(type: self.type, target: type)
    for first in stride(from: 0, to: rowCount, by: atOnce) {
      let rows = first..<min(first + atOnce, rowCount)
      if isFortran {
        try readColumns(rows, conversion, source, target)
      } else {
        try readRows(rows, conversion, source, target)
      }
      let count = rows.count * rowElements * type.byteCount
      try body(rows, UnsafeMutableRawBufferPointer(rebasing: target[..<count]))
    }
  }

  private func readRows(
    _ rows: Range<Int>, _ conversion: NumPyConversion, _ source: UnsafeMutableRawBufferPointer,
    _ target: UnsafeMutableRawBufferPointer
  ) throws {
    let count = rows.count * rowElements
    let place = rows.lowerBound * rowElements
    let piece = UnsafeMutableRawBufferPointer(rebasing: source[..<(count * type.width)])
    try content.read(into: piece, at: start + place * type.width)
    guard let bytes = piece.baseAddress, let elements = target.baseAddress else { return }
    if let wrong = conversion.convert(bytes, count: count, to: elements, stride: 1) {
      throw misfit(row: rows.lowerBound + wrong / rowElements, conversion.target)
    }
  }

  /// A column, the elements of all rows at one place, lies one behind the other; columns follow each
  /// other with the second axis the fastest.
  private func readColumns(
    _ rows: Range<Int>, _ conversion: NumPyConversion, _ source: UnsafeMutableRawBufferPointer,
    _ target: UnsafeMutableRawBufferPointer
  ) throws {
    let piece = UnsafeMutableRawBufferPointer(rebasing: source[..<(rows.count * type.width)])
    guard let bytes = piece.baseAddress, let elements = target.baseAddress else { return }
    let axes = Array(shape.dropFirst())
    var strides = axes.map { _ in 1 }
    for axis in axes.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * axes[axis + 1]
    }
    var index = axes.map { _ in 0 }
    var place = 0
    for column in 0..<rowElements {
      try content.read(into: piece, at: start + (column * rowCount + rows.lowerBound) * type.width)
      if let wrong = conversion.convert(
        bytes, count: rows.count, to: elements + place * conversion.target.byteCount,
        stride: rowElements)
      {
        throw misfit(row: rows.lowerBound + wrong, conversion.target)
      }
      for axis in axes.indices {
        index[axis] += 1
        place += strides[axis]
        if index[axis] < axes[axis] { break }
        place -= axes[axis] * strides[axis]
        index[axis] = 0
      }
    }
  }

  private func misfit(row: Int, _ target: SafetensorsType) -> FormatError {
    FormatError(
      .content, file: name,
      "row \(row) has a number of \(type.name) that is no \(target.rawValue)",
      advice: "correct it, or convert the array in Python by astype")
  }
}

/// The bytes of an array, wherever they lie.
protocol NumPyContent {
  /// The number of bytes.
  var byteCount: Int { get }
  /// Fills a buffer with the bytes at a place.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws
}

/// A file of one array, which must not change while it is read.
private struct PlainContent: NumPyContent {
  let file: File
  let byteCount: Int
  private let stamp: File.Stamp

  init(_ file: File) throws {
    self.file = file
    stamp = try file.stamp()
    byteCount = try file.byteCount()
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    try file.read(into: buffer, at: offset)
    guard try file.stamp() == stamp else {
      throw FormatError(
        .content, file: file.path, "changed while it was read", advice: "wait until it is complete")
    }
  }
}
