extension JSON {
  /// Reads one value, with nothing but white space around it.
  ///
  /// Stricter than most: duplicate keys, numbers out of range, text that is not UTF-8, nesting
  /// deeper than 64 and more than 4 million values are errors, so that memory stays within a small
  /// multiple of the input. A byte-order mark is passed over (RFC 8259, section 8.1). Errors name `file` and the byte, counted from `start`.
  ///
  /// - Throws: `FormatError` of content where the bytes are not one value, or break one of these
  ///   rules.
  package init(parsing bytes: UnsafeRawBufferPointer, file: String, start: Int = 0) throws {
    var parser = JSONParser(bytes: bytes, file: file, start: start)
    self = try parser.document()
  }

  /// Reads one value from text; errors name `file`.
  ///
  /// - Throws: as ``init(parsing:file:start:)``.
  package init(parsing text: String, file: String = "JSON") throws {
    var text = text
    self = try text.withUTF8 { try JSON(parsing: UnsafeRawBufferPointer($0), file: file) }
  }
}

private struct JSONParser {
  static let maximumDepth = 64
  static let maximumValues = 4_000_000

  let bytes: UnsafeRawBufferPointer
  let file: String
  let start: Int
  var position = 0
  var values = 0

  init(bytes: UnsafeRawBufferPointer, file: String, start: Int) {
    self.bytes = bytes
    self.file = file
    self.start = start
  }

  var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  func failure(_ what: String, at place: Int? = nil) -> FormatError {
    let place = place ?? position
    var line = 1
    for index in 0..<min(place, bytes.count) where bytes[index] == UInt8(ascii: "\n") { line += 1 }
    return FormatError(
      .content, file: file, at: start + place, "line \(line): JSON: \(what)",
      advice: "the file is damaged, make it again")
  }

  mutating func document() throws -> JSON {
    if TextFile.hasMark(bytes) { position = 3 }
    let result = try value(depth: 0)
    skipSpace()
    if current != nil { throw failure("text after the value") }
    return result
  }

  mutating func skipSpace() {
    while let byte = current, byte == 0x20 || (byte >= 9 && byte <= 13 && byte != 11 && byte != 12)
    {
      position += 1
    }
  }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard current == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  mutating func value(depth: Int) throws -> JSON {
    skipSpace()
    values += 1
    if values > Self.maximumValues { throw failure("more than \(Self.maximumValues) values") }
    if depth > Self.maximumDepth { throw failure("nested deeper than \(Self.maximumDepth)") }
    switch current {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case nil: throw failure("ends where a value is expected")
    default: return try number()
    }
  }

  mutating func word(_ word: StaticString, _ value: JSON) throws -> JSON {
    let end = position + word.utf8CodeUnitCount
    guard end <= bytes.count,
      bytes[position..<end].elementsEqual(
        UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    else { throw failure("expected a value") }
    position = end
    return value
  }

  mutating func object(depth: Int) throws -> JSON {
    position += 1
    var members: [JSON.Member] = []
    var keys: Set<ScalarString> = []
    skipSpace()
    if take("}") { return .object([]) }
    while true {
      skipSpace()
      let place = position
      guard current == UInt8(ascii: "\"") else { throw failure("expected a key in quotes") }
      let key = try string()
      guard keys.insert(ScalarString(key)).inserted else {
        throw failure("duplicate key \"\(key)\"", at: place)
      }
      skipSpace()
      guard take(":") else { throw failure("expected ':' after key \"\(key)\"") }
      members.append(JSON.Member(key, try value(depth: depth + 1)))
      skipSpace()
      if take("}") { return .object(members) }
      guard take(",") else { throw failure("expected ',' or '}'") }
    }
  }

  mutating func array(depth: Int) throws -> JSON {
    position += 1
    var elements: [JSON] = []
    skipSpace()
    if take("]") { return .array([]) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if take("]") { return .array(elements) }
      guard take(",") else { throw failure("expected ',' or ']'") }
    }
  }

  mutating func digits() throws {
    guard let first = current, first >= 0x30 && first <= 0x39 else {
      throw failure("expected a value")
    }
    while let byte = current, byte >= 0x30 && byte <= 0x39 { position += 1 }
  }

  mutating func number() throws -> JSON {
    let begin = position
    var isInteger = true
    _ = take("-")
    if take("0") {
      if let byte = current, byte >= 0x30 && byte <= 0x39 { throw failure("number begins with 0") }
    } else {
      try digits()
    }
    if take(".") {
      isInteger = false
      try digits()
    }
    if take("e") || take("E") {
      isInteger = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[begin..<position], as: UTF8.self)
    // "-0" is kept as a double, which can tell it from 0.
    if isInteger, text != "-0", let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw failure("number out of range", at: begin)
    }
    return .number(value)
  }

  mutating func string() throws -> String {
    let begin = position
    position += 1
    var result: [UInt8] = []
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        guard let string = String(validating: result, as: UTF8.self) else {
          throw failure("string is not UTF-8", at: begin)
        }
        return string
      case UInt8(ascii: "\\"):
        position += 1
        try escape(into: &result)
      case 0..<0x20: throw failure("control character in a string")
      default:
        result.append(byte)
        position += 1
      }
    }
    throw failure("string without end", at: begin)
  }

  mutating func escape(into result: inout [UInt8]) throws {
    guard let byte = current else { throw failure("ends within an escape") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
    case UInt8(ascii: "b"): result.append(8)
    case UInt8(ascii: "f"): result.append(12)
    case UInt8(ascii: "n"): result.append(10)
    case UInt8(ascii: "r"): result.append(13)
    case UInt8(ascii: "t"): result.append(9)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xd800..<0xdc00).contains(code), take("\\"), take("u") {
        let low = try hexadecimal()
        guard (0xdc00..<0xe000).contains(low) else { throw failure("half a surrogate pair") }
        code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair") }
      result.append(contentsOf: String(Character(scalar)).utf8)
    default: throw failure("unknown escape")
    }
  }

  mutating func hexadecimal() throws -> UInt32 {
    guard position + 4 <= bytes.count else { throw failure("ends within an escape") }
    var code: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw failure("expected four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
    }
    position += 4
    return code
  }
}
