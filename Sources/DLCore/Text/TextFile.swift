import Glibc

/// Files of text as Python's text mode reads them: UTF-8 without its byte-order mark, every line end
/// as `\n`.
///
/// Line ends are `\n`, `\r\n` and a lone `\r` (universal newlines). What else Unicode takes for a
/// break, such as U+2028 or a form feed, is part of a line.
package enum TextFile {
  /// The text of a file of at most `limit` bytes.
  ///
  /// - Throws: `FormatError` where it cannot be read; a content error that says what it is where it
  ///   is not UTF-8.
  package static func text(of path: String, limit: Int = 1 << 32) throws -> String {
    try text(decoding: File.contents(of: path, limit: limit), file: path)
  }

  /// The lines of a file without their ends; a last line needs none.
  ///
  /// - Throws: as ``text(of:limit:)``.
  package static func lines(of path: String, limit: Int = 1 << 32) throws -> [Substring] {
    lines(in: try text(of: path, limit: limit))
  }

  /// The lines of a text whose line ends are `\n`, as ``text(of:limit:)`` gives it.
  ///
  /// Counterpart: iterating over a Python file.
  package static func lines(in text: String) -> [Substring] {
    var lines = text.parts(at: "\n")
    if lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  /// The text of bytes; `file` is for the fault's sake.
  ///
  /// - Throws: a content error that says what the bytes are, or which line, where they are not UTF-8.
  package static func text(decoding bytes: [UInt8], file: String) throws -> String {
    if let kind = FileKind(bytes), !kind.isText {
      throw FormatError(
        .content, file: file, "is \(kind.name), not UTF-8 text", advice: kind.conversion)
    }
    let plain = withPlainLineEnds(bytes[(hasMark(bytes) ? 3 : 0)...])
    guard let text = String(validating: plain, as: UTF8.self) else {
      let lines = plain.split(separator: 10, omittingEmptySubsequences: false)
      let line = (lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0) + 1
      throw FormatError(
        .content, file: file, "line \(line) is not UTF-8 text",
        advice: "convert it, as by iconv -t utf-8")
    }
    return text
  }

  /// Returns whether bytes begin with the byte-order mark of UTF-8, which is no content.
  package static func hasMark(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.starts(with: [0xef, 0xbb, 0xbf])
  }

  /// A text with every `\r\n` and every lone `\r` as `\n`.
  package static func withPlainLineEnds(_ text: String) -> String {
    guard text.unicodeScalars.contains("\r") else { return text }
    return String(decoding: withPlainLineEnds(Array(text.utf8)[...]), as: UTF8.self)
  }

  /// Bytes of a text with every `\r\n` and every lone `\r` as `\n`.
  package static func withPlainLineEnds(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    bytes.withUnsafeBufferPointer { bytes -> ArraySlice<UInt8>? in
      guard var start = bytes.baseAddress, memchr(start, 13, bytes.count) != nil else { return nil }
      let end = start + bytes.count
      var result: [UInt8] = []
      result.reserveCapacity(bytes.count)
      while let found = memchr(start, 13, end - start)?.assumingMemoryBound(to: UInt8.self) {
        result.append(
          contentsOf: UnsafeBufferPointer(start: start, count: UnsafePointer(found) - start))
        result.append(10)
        start = UnsafePointer(found) + 1
        if start < end, start.pointee == 10 { start += 1 }
      }
      result.append(contentsOf: UnsafeBufferPointer(start: start, count: end - start))
      return result[...]
    } ?? bytes
  }
}
