import DLCore

/// The records of a file of comma-separated values in order (RFC 4180).
///
/// A cell in quotes may hold separators and line ends, and a quote as two; blanks around another cell
/// do not count. Empty lines are passed over. Counterpart: `pandas.read_csv` with
/// `skipinitialspace=True`.
package struct CSVReader {
  /// The path as the caller gave it.
  package let path: String
  /// The line on which the last record began, counted from 1.
  package private(set) var line = 0

  private let bytes: [UInt8]
  private let separator: UInt8
  private var position = 0
  private var nextLine = 1

  /// Reads a UTF-8 file.
  ///
  /// - Parameter separator: an ASCII character, no quote and no line end.
  /// - Throws: `FormatError` where it cannot be read or is of another kind.
  package init(path: String, separator: UInt8 = UInt8(ascii: ",")) throws {
    self.path = path
    self.separator = separator
    bytes = Array(try TextFile.text(of: path).utf8)
  }

  /// The cells of the next record; nil behind the last.
  ///
  /// - Throws: a content error that names the line of a quote which is not closed, or is followed by
  ///   something else than a separator.
  package mutating func next() throws -> [String]? {
    while position < bytes.count, bytes[position] == Self.newline {
      position += 1
      nextLine += 1
    }
    guard position < bytes.count else { return nil }
    line = nextLine
    var cells: [String] = []
    while true {
      cells.append(try cell())
      guard position < bytes.count else { return cells }
      position += 1
      if bytes[position - 1] == Self.newline {
        nextLine += 1
        return cells
      }
    }
  }

  private static let newline: UInt8 = 10
  private static let quote = UInt8(ascii: "\"")

  /// A cell; what follows it is a separator, a line end or the end.
  private mutating func cell() throws -> String {
    skipBlanks()
    if position < bytes.count, bytes[position] == Self.quote { return try quotedCell() }
    let start = position
    while position < bytes.count, bytes[position] != separator, bytes[position] != Self.newline {
      position += 1
    }
    var end = position
    while end > start, isBlank(bytes[end - 1]) { end -= 1 }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }

  private mutating func quotedCell() throws -> String {
    let first = nextLine
    var content: [UInt8] = []
    position += 1
    while true {
      guard let end = bytes[position...].firstIndex(of: Self.quote) else {
        throw fault(first, "opens a quote that is not closed")
      }
      nextLine += bytes[position..<end].count { $0 == Self.newline }
      content += bytes[position..<end]
      position = end + 1
      guard position < bytes.count, bytes[position] == Self.quote else { break }
      content.append(Self.quote)
      position += 1
    }
    skipBlanks()
    guard position == bytes.count || bytes[position] == separator || bytes[position] == Self.newline
    else { throw fault(nextLine, "has text behind a closing quote") }
    return String(decoding: content, as: UTF8.self)
  }

  private mutating func skipBlanks() {
    while position < bytes.count, isBlank(bytes[position]) { position += 1 }
  }

  private func isBlank(_ byte: UInt8) -> Bool {
    (byte == 0x20 || byte == 0x09) && byte != separator
  }

  private func fault(_ line: Int, _ what: String) -> FormatError {
    FormatError(.content, file: path, "line \(line) \(what)", advice: "correct it")
  }
}
