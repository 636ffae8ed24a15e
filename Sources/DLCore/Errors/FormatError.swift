/// A file that could not be read or written, or whose content is not what it claims to be.
package struct FormatError: DLError, Hashable {
  /// The kind of a fault, which decides the exit code.
  package enum Kind: Sendable, Hashable {
    /// The bytes are wrong: exit code 65 (EX_DATAERR).
    case content
    /// The system refused: exit code 74 (EX_IOERR).
    case io
  }

  /// The kind of fault.
  package var kind: Kind
  /// The path as the caller gave it.
  package var file: String
  /// The byte of the file concerned, where one can be named.
  package var offset: Int?
  /// The fault.
  package var what: String
  /// The advice: what to do about it.
  package var advice: String

  /// Makes an error about `file`.
  package init(_ kind: Kind, file: String, at offset: Int? = nil, _ what: String, advice: String) {
    self.kind = kind
    self.file = file
    self.offset = offset
    self.what = what
    self.advice = advice
  }

  /// Bad data for content, else failed input and output.
  package var exitCode: ExitCode { kind == .content ? .data : .io }

  /// One line: `FILE: what (at byte N), what to do`.
  package var description: String {
    let place = offset.map { " (at byte \($0))" } ?? ""
    return
      "\(file.isEmpty ? "\"\"" : printable(file)): \(printable(what))\(place), \(printable(advice, most: 2000))"
  }
}

/// The text on one line and of bounded length: names inside hostile files may hold anything.
private func printable(_ text: String, most: Int = 600) -> String {
  var result = ""
  for (index, scalar) in text.unicodeScalars.enumerated() {
    if index == most { return result + "..." }
    if scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value) || scalar.value == 0x2028
      || scalar.value == 0x2029
    {
      result += "\\u{\(String(scalar.value, radix: 16))}"
    } else {
      result.unicodeScalars.append(scalar)
    }
  }
  return result
}
