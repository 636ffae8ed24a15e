import DLCore

/// The records of a file of comma-separated values in order (RFC 4180).
///
/// A cell in quotes may hold separators and line ends, and a quote as two; blanks around another cell
/// do not count. Empty lines are passed over. The file is UTF-8 with any line ends, perhaps packed by
/// gzip; it is read in pieces, so that its length does not matter. Counterpart: `pandas.read_csv`
/// with `skipinitialspace=True`.
package struct CSVReader {
  /// The path as the caller gave it.
  package let path: String
  /// The line on which the last record began, counted from 1.
  package private(set) var line = 0

  /// The most bytes of a cell: a quote that is not closed must not take in a whole file.
  package static let longestCell = 1 << 24

  private static let pieceSize = 1 << 18
  private static let newline: UInt8 = 10
  private static let quote = UInt8(ascii: "\"")

  private let stream: ByteStream
  private let separator: UInt8
  private var piece: [UInt8] = []
  private var position = 0
  private var nextLine = 1
  /// The bytes of the cell in work.
  private var cell: [UInt8] = []
  /// True if the piece before ended between `\r` and what may be its `\n`.
  private var endsWithReturn = false

  /// Opens a UTF-8 file.
  ///
  /// - Parameter separator: an ASCII character, no quote and no line end.
  /// - Throws: `FormatError` where it cannot be read or is of another kind.
  package init(path: String, separator: UInt8 = UInt8(ascii: ",")) throws {
    self.path = path
    self.separator = separator
    stream = try ByteStream(path: path)
    try readPiece { head in
      guard let kind = FileKind(head), !kind.isText else { return }
      throw FormatError(
        .content, file: path, "is \(kind.name), not UTF-8 text", advice: kind.conversion)
    }
    if TextFile.hasMark(piece.prefix(FileKind.byteCount)) { position = 3 }
  }

  /// The cells of the next record; nil behind the last.
  ///
  /// - Throws: a content error that names the line of what is not UTF-8, of a quote which is not
  ///   closed, or of one that is followed by something else than a separator.
  package mutating func next() throws -> [String]? {
    while let byte = try peek(), byte == Self.newline {
      position += 1
      nextLine += 1
    }
    guard try peek() != nil else { return nil }
    line = nextLine
    var cells: [String] = []
    while true {
      cells.append(try nextCell())
      guard let byte = try peek() else { return cells }
      position += 1
      if byte == Self.newline {
        nextLine += 1
        return cells
      }
    }
  }

  /// The next byte, which is not taken; nil at the end.
  private mutating func peek() throws -> UInt8? {
    while position == piece.count {
      if try !readPiece() { return nil }
    }
    return piece[position]
  }

  /// Replaces the piece, which is used up, by the next one with plain line ends; false at the end.
  ///
  /// - Parameter check: looks at the piece as it is in the file.
  @discardableResult
  private mutating func readPiece(_ check: ([UInt8]) throws -> Void = { _ in }) throws -> Bool {
    position = 0
    piece = try [UInt8](unsafeUninitializedCapacity: Self.pieceSize) { [stream] buffer, count in
      count = try stream.readAvailable(into: UnsafeMutableRawBufferPointer(buffer))
    }
    try check(piece)
    guard let last = piece.last else { return false }
    let isSecondHalf = endsWithReturn && piece[0] == Self.newline
    endsWithReturn = last == 13
    if isSecondHalf || piece.contains(13) {
      piece = Array(TextFile.withPlainLineEnds(piece[(isSecondHalf ? 1 : 0)...]))
    }
    return true
  }

  /// The place of the first byte that `stops`, or the piece's end.
  private func place(where stops: (UInt8) -> Bool) -> Int {
    piece.withUnsafeBufferPointer { piece in
      var place = position
      while place < piece.count, !stops(piece[place]) { place += 1 }
      return place
    }
  }

  /// Takes bytes of the piece into the cell.
  private mutating func take(upTo end: Int) throws {
    guard cell.count + end - position <= Self.longestCell else {
      throw fault(line, "has a cell of more than \(Self.longestCell) bytes, or an open quote")
    }
    cell += piece[position..<end]
    position = end
  }

  /// A cell; what follows it is a separator, a line end or the end.
  private mutating func nextCell() throws -> String {
    cell.removeAll(keepingCapacity: true)
    try skipBlanks()
    if try peek() == Self.quote { return try quotedCell() }
    let separator = separator
    while try peek() != nil {
      let end = place { $0 == separator || $0 == Self.newline }
      let isWhole = end < piece.count
      try take(upTo: end)
      if isWhole { break }
    }
    while let last = cell.last, isBlank(last) { cell.removeLast() }
    return try text(line: nextLine)
  }

  private mutating func quotedCell() throws -> String {
    let first = nextLine
    position += 1
    while true {
      guard try peek() != nil else { throw fault(first, "opens a quote that is not closed") }
      let end = place { $0 == Self.quote }
      let isWhole = end < piece.count
      nextLine += piece[position..<end].count { $0 == Self.newline }
      try take(upTo: end)
      guard isWhole else { continue }
      position += 1
      guard try peek() == Self.quote else { break }
      cell.append(Self.quote)
      position += 1
    }
    try skipBlanks()
    guard try [nil, separator, Self.newline].contains(peek()) else {
      throw fault(nextLine, "has text behind a closing quote")
    }
    return try text(line: first)
  }

  private func text(line: Int) throws -> String {
    guard let text = String(validating: cell, as: UTF8.self) else {
      throw FormatError(
        .content, file: path, "line \(line) is not UTF-8 text",
        advice: "convert the file, as by iconv -t utf-8")
    }
    return text
  }

  private mutating func skipBlanks() throws {
    while let byte = try peek(), isBlank(byte) { position += 1 }
  }

  private func isBlank(_ byte: UInt8) -> Bool {
    (byte == 0x20 || byte == 0x09) && byte != separator
  }

  private func fault(_ line: Int, _ what: String) -> FormatError {
    FormatError(.content, file: path, "line \(line) \(what)", advice: "correct it")
  }
}
