/// Reads a tar archive, plain or gzip, in order and as a stream.
///
/// Knows the POSIX (ustar and pax) and the GNU forms. Header checksums are checked, and no size in
/// a header can make it allocate more than the archive can hold. Nothing is ever written to disk:
/// names are the caller's to judge. To be used by one thread.
package final class TarReader {
  /// A member of the archive.
  package struct Entry: Sendable, Hashable {
    /// The kinds of members.
    package enum Kind: Sendable, Hashable {
      /// A file with content.
      case file
      /// A folder.
      case folder
      /// A symbolic or hard link.
      case link
      /// A device, a pipe, or what only some program knows.
      case other
    }

    /// The name in the archive, as it stands there.
    package var path: String
    /// The member's kind.
    package var kind: Kind
    /// The length of its content.
    package var byteCount: Int
    /// True if the name is UTF-8; what is not is replaced by U+FFFD in ``path``.
    package var hasTextName = true
  }

  private static let blockSize = 512
  private static let longestName = 1 << 16

  private let stream: ByteStream
  private var unread = 0
  private var padding = 0
  private var block = [UInt8](repeating: 0, count: blockSize)
  /// True if the block holds what is to be looked at next.
  private var isBlockRead = false

  /// Opens an archive.
  ///
  /// What does not begin as an archive is named by its kind, such as a ZIP archive.
  ///
  /// - Throws: `FormatError`.
  package init(path: String) throws {
    stream = try ByteStream(path: path)
    let count = try block.withUnsafeMutableBytes { try stream.readAvailable(into: $0) }
    guard count == Self.blockSize, isHeader || block.allSatisfy({ $0 == 0 }) else {
      throw stream.otherKind(
        Array(block.prefix(count)), than: "a tar archive", advice: "name a .tar or .tar.gz file")
    }
    isBlockRead = true
  }

  /// True if the block's checksum is that of a header.
  private var isHeader: Bool {
    do {
      try checkSum()
      return true
    } catch {
      return false
    }
  }

  /// The next member, or nil at the archive's end; what is left of the one before is passed over.
  ///
  /// - Throws: `FormatError` where the archive is damaged, cut short, or cannot be read.
  package func next() throws -> Entry? {
    var longName: [UInt8]?
    var paxSize: Int?
    while true {
      try skip(unread + padding)
      (unread, padding) = (0, 0)
      if !isBlockRead { try block.withUnsafeMutableBytes { try stream.read(into: $0) } }
      isBlockRead = false
      if block.allSatisfy({ $0 == 0 }) { return nil }
      try checkSum()
      let type = block[156]
      var size = try number(124..<136)
      // A size from a pax header replaces the one here, which may be too small a field for it.
      if let paxSize, ![0x78, 0x67, 0x4c, 0x4b].contains(type) { size = paxSize }
      guard size <= stream.maximumCount - stream.position else {
        throw stream.failure("a member of \(size) bytes goes beyond the archive's end")
      }
      unread = size
      padding = (Self.blockSize - size % Self.blockSize) % Self.blockSize
      switch type {
      case UInt8(ascii: "x"):
        for (key, value) in try paxRecords() {
          if key == "path" { longName = value }
          if key == "size" {
            let text = String(decoding: value, as: UTF8.self)
            guard let value = Int(text), value >= 0 else {
              throw stream.failure("a pax header with the size \"\(text.prefix(30))\"")
            }
            paxSize = value
          }
        }
      case UInt8(ascii: "L"):
        longName = Self.untilZero(try metadata())
      case UInt8(ascii: "g"), UInt8(ascii: "K"): continue
      default:
        let name = longName ?? shortName
        return Entry(
          path: String(decoding: name, as: UTF8.self), kind: Self.kind(type), byteCount: size,
          hasTextName: String(validating: name, as: UTF8.self) != nil)
      }
    }
  }

  /// The whole content of the member that `next()` gave.
  ///
  /// - Throws: for more than `limit` bytes.
  package func read(limit: Int = 1 << 28) throws -> [UInt8] {
    guard unread <= limit else {
      throw stream.failure("a member of \(unread) bytes, at most \(limit) are expected")
    }
    let count = unread
    unread = 0
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, made in
      try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
      made = count
    }
  }

  private func metadata() throws -> [UInt8] { try read(limit: Self.longestName) }

  private func skip(_ count: Int) throws {
    guard count > 0 else { return }
    var piece = [UInt8](repeating: 0, count: min(count, 1 << 16))
    var left = count
    while left > 0 {
      let length = min(left, piece.count)
      try piece.withUnsafeMutableBytes {
        try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<length]))
      }
      left -= length
    }
  }

  private func checkSum() throws {
    var sum = 0
    for (index, byte) in block.enumerated() { sum += (148..<156).contains(index) ? 32 : Int(byte) }
    guard try number(148..<156) == sum else {
      throw stream.failure("no tar header where one is due")
    }
  }

  /// A number of octal digits, or (GNU) of bytes after a first one with the high bit.
  private func number(_ range: Range<Int>) throws -> Int {
    let field = block[range]
    if field.first == 0x80 {
      return try field.dropFirst().reduce(0) { value, byte in
        guard value < 1 << 54 else { throw stream.failure("a tar header with a huge number") }
        return value << 8 | Int(byte)
      }
    }
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    return try digits.reduce(0) { value, byte in
      guard (0x30..<0x38).contains(byte) else {
        throw stream.failure("a tar header with a damaged number")
      }
      return value << 3 | Int(byte - 0x30)
    }
  }

  private var shortName: [UInt8] {
    let name = Self.untilZero(block[..<100])
    // GNU's own form uses the field of the prefix for other things.
    guard block[257..<263].elementsEqual([0x75, 0x73, 0x74, 0x61, 0x72, 0]), block[345] != 0 else {
      return name
    }
    return Self.untilZero(block[345..<500]) + [UInt8(ascii: "/")] + name
  }

  /// The records `LENGTH KEY=VALUE\n` of a pax header.
  private func paxRecords() throws -> [(key: String, value: [UInt8])] {
    var rest = try metadata()[...]
    var records: [(key: String, value: [UInt8])] = []
    while !rest.isEmpty {
      let digits = rest.prefix { $0 != 0x20 }
      guard let length = Int(String(decoding: digits, as: UTF8.self)), length > digits.count + 1,
        length <= rest.count, rest[rest.startIndex + length - 1] == 0x0a,
        let equals = rest.prefix(length).firstIndex(of: 0x3d)
      else { throw stream.failure("a damaged pax header") }
      let key = rest[(digits.endIndex + 1)..<max(equals, digits.endIndex + 1)]
      let value = rest[(equals + 1)..<(rest.startIndex + length - 1)]
      records.append((String(decoding: key, as: UTF8.self), Array(value)))
      rest = rest.dropFirst(length)
    }
    return records
  }

  private static func untilZero(_ bytes: some Collection<UInt8>) -> [UInt8] {
    Array(bytes.prefix { $0 != 0 })
  }

  private static func kind(_ type: UInt8) -> Entry.Kind {
    switch type {
    case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): .file
    case UInt8(ascii: "5"): .folder
    case UInt8(ascii: "1"), UInt8(ascii: "2"): .link
    default: .other
    }
  }
}
