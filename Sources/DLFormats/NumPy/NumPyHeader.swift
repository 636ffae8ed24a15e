import DLCore

/// The header of a `.npy` file: a Python dictionary behind a mark, a version and a length.
///
/// The format: NumPy Enhancement Proposal 1, and the module numpy.lib.format.
struct NumPyHeader {
  /// The bytes that a `.npy` file begins with.
  static let mark: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// The longest text of a header that is read; those of arrays of numbers have some 100 bytes.
  static let longest = 1 << 16
  private static let mostAxes = 32

  let type: NumPyType
  let isFortran: Bool
  let shape: [Int]
  /// The place where the elements begin.
  let start: Int

  /// Reads the header of an array of `byteCount` bytes; `read` gets some at a place.
  ///
  /// - Throws: `FormatError` for a header that is damaged, of elements that are no real numbers, or
  ///   of an array of another size than there are bytes.
  init(name: String, byteCount: Int, read: (Range<Int>) throws -> [UInt8]) throws {
    func fault(_ what: String, at place: Int? = nil, _ advice: String? = nil) -> FormatError {
      FormatError(
        .content, file: name, at: place, what,
        advice: advice ?? "it is damaged, make or copy it again")
    }
    let head = try read(0..<min(12, byteCount))
    guard head.count == 12, head.starts(with: Self.mark) else {
      let kind = FileKind(try read(0..<min(FileKind.byteCount, byteCount)))
      throw fault(
        (kind.map { "is \($0.name), not" } ?? "is no") + " a NumPy array (.npy)", at: 0,
        kind?.conversion ?? "name a file written by numpy.save")
    }
    guard (1...3).contains(head[6]), head[7] == 0 else {
      throw fault(
        "is of version \(head[6]).\(head[7]) of the format, 1.0 to 3.0 are known", at: 6,
        "write it again by numpy.save")
    }
    let isWide = head[6] > 1
    let length =
      Int(head[8]) | Int(head[9]) << 8 | (isWide ? Int(head[10]) << 16 | Int(head[11]) << 24 : 0)
    start = (isWide ? 12 : 10) + length
    guard length <= Self.longest, start <= byteCount else {
      throw fault("has a header of \(length) bytes", at: 8)
    }
    let text = try read(start - length..<start)
    var reader = PythonDictionary(text)
    guard let entries = reader.entries(), Set(entries.keys) == ["descr", "fortran_order", "shape"],
      case .bool(let isFortran)? = entries["fortran_order"],
      case .tuple(let shape)? = entries["shape"], shape.count <= Self.mostAxes
    else { throw fault("has a header that is no NumPy dictionary", at: start - length) }
    guard case .text(let description)? = entries["descr"], let type = NumPyType(description) else {
      var found = "records"
      if case .text(let other)? = entries["descr"] { found = NumPyType.name(ofOther: other) }
      throw fault(
        "holds \(found), not numbers", at: start - length,
        "save numbers in Python, as by numpy.save(FILE, array.astype(\"float32\"))")
    }
    (self.type, self.isFortran, self.shape) = (type, isFortran, shape)
    // An axis of nothing makes nothing of the others, however large they are.
    let size =
      shape.contains(0)
      ? 0
      : shape.reduce(type.width as Int?) { product, size in
        guard let (next, overflow) = product?.multipliedReportingOverflow(by: size), !overflow
        else { return nil }
        return next
      }
    guard size == byteCount - start else {
      let needed = size.map { "\($0) bytes" } ?? "more bytes than any file has"
      throw fault(
        "has \(byteCount - start) bytes of elements, \(type.name) \(shape) takes \(needed)",
        at: start, "it was cut short or something follows it: make or copy it again")
    }
  }
}

/// Reads a dictionary of texts, truth values and tuples of integers, as Python prints it.
private struct PythonDictionary {
  enum Value {
    case text(String)
    case bool(Bool)
    case tuple([Int])
    /// A list, as the descriptions of records are.
    case other
  }

  private let bytes: [UInt8]
  private var place = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The entries; nil for anything else, or what follows that is no white space.
  mutating func entries() -> [String: Value]? {
    var entries: [String: Value] = [:]
    guard take("{") else { return nil }
    while !take("}") {
      guard let key = text(), take(":"), let value = value(), entries[key] == nil else {
        return nil
      }
      entries[key] = value
      guard take(",") || next == UInt8(ascii: "}") else { return nil }
    }
    skipBlanks()
    return place == bytes.count ? entries : nil
  }

  private var next: UInt8? {
    mutating get {
      skipBlanks()
      return place < bytes.count ? bytes[place] : nil
    }
  }

  private mutating func skipBlanks() {
    while place < bytes.count, [9, 10, 13, 32].contains(bytes[place]) { place += 1 }
  }

  private mutating func take(_ word: String) -> Bool {
    skipBlanks()
    guard bytes[place...].starts(with: word.utf8) else { return false }
    place += word.utf8.count
    return true
  }

  private mutating func text() -> String? {
    guard let quote = next, [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(quote),
      let end = bytes[(place + 1)...].firstIndex(of: quote)
    else { return nil }
    defer { place = end + 1 }
    let content = bytes[(place + 1)..<end]
    return content.contains(UInt8(ascii: "\\")) ? nil : String(validating: content, as: UTF8.self)
  }

  private mutating func value() -> Value? {
    switch next {
    case UInt8(ascii: "("): return tuple().map { .tuple($0) }
    case UInt8(ascii: "["): return skipList() ? .other : nil
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return text().map { .text($0) }
    default:
      if take("True") { return .bool(true) }
      return take("False") ? .bool(false) : nil
    }
  }

  private mutating func tuple() -> [Int]? {
    guard take("(") else { return nil }
    var sizes: [Int] = []
    while !take(")") {
      skipBlanks()
      let digits = bytes[place...].prefix { (48...57).contains($0) }
      guard !digits.isEmpty, digits.count < 20, sizes.count < 64,
        let size = Int(String(decoding: digits, as: UTF8.self))
      else { return nil }
      place += digits.count
      // Python 2 marked long integers.
      _ = take("L")
      sizes.append(size)
      guard take(",") || next == UInt8(ascii: ")") else { return nil }
    }
    return sizes
  }

  /// Passes over a list; of what is in it brackets and quotes alone count.
  private mutating func skipList() -> Bool {
    var depth = 0
    while place < bytes.count {
      switch bytes[place] {
      case UInt8(ascii: "["): depth += 1
      case UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        guard text() != nil else { return false }
        continue
      default: break
      }
      place += 1
      if depth == 0 { return true }
    }
    return false
  }
}
