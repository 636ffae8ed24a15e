import DLCore

/// The members of a ZIP archive, by its central directory, checked as hostile input.
///
/// Every member lies in the file by itself: overlapping ones, with which archives of some kilobytes
/// come to petabytes, are refused, and so are sizes that deflate cannot reach. Encryption, archives
/// in several parts and methods other than stored and deflated are refused too.
///
/// The format: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
struct ZipArchive {
  /// The bytes that a ZIP archive with members begins with.
  static let mark: [UInt8] = Array("PK\u{3}\u{4}".utf8)

  /// One member.
  struct Member {
    let name: String
    /// Bytes of its name.
    let nameCount: Int
    /// The place where its own header begins.
    let header: Int
    /// Bytes in the archive.
    let packedCount: Int
    /// Bytes of its content.
    let count: Int
    /// The checksum of its content; 0 where its writer left it out.
    let checksum: UInt32
    let isDeflated: Bool
  }

  let file: File
  /// The members in the order of their bytes.
  let members: [Member]

  /// The place where the central directory begins: members end before it.
  private let end: Int
  private static let directoryLimit = 1 << 26

  /// Reads the central directory.
  init(_ file: File) throws {
    self.file = file
    let directory = try ZipDirectory(file)
    guard directory.bytes.count <= Self.directoryLimit else {
      throw Self.fault(file, "has a central directory of \(directory.bytes.count) bytes")
    }
    let bytes = try Self.bytes(of: file, directory.bytes)
    var reader = ZipFields(bytes, file: file, start: directory.bytes.lowerBound)
    var members: [Member] = []
    while !reader.isAtEnd { members.append(try reader.member(before: directory.bytes.lowerBound)) }
    guard members.count == directory.count else {
      throw Self.fault(
        file, "has \(members.count) members in its directory, where \(directory.count) are due")
    }
    members.sort { $0.header < $1.header }
    for (one, next) in zip(members, members.dropFirst())
    where one.header + 30 + one.nameCount + one.packedCount > next.header {
      throw Self.fault(
        file, "two of its members overlap, as in a ZIP bomb", at: next.header,
        advice: "do not use it")
    }
    var names: Set<ScalarString> = []
    for member in members where !names.insert(ScalarString(member.name)).inserted {
      throw Self.fault(file, "has two members of the name \"\(member.name)\"")
    }
    self.members = members
    end = directory.bytes.lowerBound
  }

  /// Reads a part of a member's content into a buffer of its size; of the whole the checksum is
  /// compared.
  func read(_ part: Range<Int>, of member: Member, into buffer: UnsafeMutableRawBufferPointer)
    throws
  {
    precondition(part.upperBound <= member.count && part.count == buffer.count, "no such part")
    let start = try contentStart(of: member)
    if member.isDeflated {
      try Inflation(file, start..<start + member.packedCount, name: member.name)
        .read(part, into: buffer)
    } else {
      try file.read(into: buffer, at: start + part.lowerBound)
    }
    guard part.count == member.count, member.checksum != 0,
      CRC32.of(UnsafeRawBufferPointer(buffer)) != member.checksum
    else { return }
    throw Self.fault(file, "\(member.name): the checksum differs from that of its bytes", at: start)
  }

  /// The whole content of a member of at most `limit` bytes.
  func contents(of member: Member, limit: Int) throws -> [UInt8] {
    guard member.count <= limit else {
      throw Self.fault(
        file, "\(member.name) has \(member.count) bytes, at most \(limit) are expected",
        advice: "check that it is the right file")
    }
    return try [UInt8](unsafeUninitializedCapacity: member.count) { buffer, count in
      try read(0..<member.count, of: member, into: UnsafeMutableRawBufferPointer(buffer))
      count = member.count
    }
  }

  /// The place where the content begins, by the member's own header, which pads it as it likes.
  func contentStart(of member: Member) throws -> Int {
    let header = try Self.bytes(of: file, member.header..<member.header + 30)
    let names = Int(header[26]) | Int(header[27]) << 8
    let extra = Int(header[28]) | Int(header[29]) << 8
    let start = member.header + 30 + names + extra
    guard header.starts(with: Self.mark), names == member.nameCount,
      start + member.packedCount <= end
    else {
      throw Self.fault(
        file, "\(member.name): its header is not what the directory says", at: member.header)
    }
    return start
  }

  static func bytes(of file: File, _ range: Range<Int>) throws -> [UInt8] {
    try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
      try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: range.lowerBound)
      count = range.count
    }
  }

  static func fault(
    _ file: File, _ what: String, at offset: Int? = nil,
    advice: String = "it is damaged, make or copy it again"
  ) -> FormatError {
    FormatError(.content, file: file.path, at: offset, what, advice: advice)
  }
}

/// The end of a ZIP archive: where its central directory lies.
private struct ZipDirectory {
  let bytes: Range<Int>
  let count: Int

  init(_ file: File) throws {
    let fileCount = try file.byteCount()
    // The last record, with the longest comment that it may have, and the one of 64 bits before it.
    let tail = try ZipArchive.bytes(of: file, max(0, fileCount - 65_577)..<fileCount)
    let begin = fileCount - tail.count
    func number(_ place: Int, _ width: Int) -> Int {
      guard place >= 0, place + width <= tail.count else { return -1 }
      let value = (0..<width).reduce(UInt64(0)) { $0 | UInt64(tail[place + $1]) << (8 * $1) }
      return Int(exactly: value) ?? -1
    }
    let last = tail.count - 22
    guard last >= 0,
      let place = stride(from: last, through: 0, by: -1).first(where: {
        number($0, 4) == 0x0605_4b50 && $0 + 22 + number($0 + 20, 2) == tail.count
      })
    else {
      throw ZipArchive.fault(
        file, "is a ZIP archive without its end: it was cut short, or something follows it",
        at: fileCount)
    }
    var (count, size, start) = (
      number(place + 10, 2), number(place + 12, 4), number(place + 16, 4)
    )
    var end = begin + place
    if count == 0xffff || size == 0xffff_ffff || start == 0xffff_ffff {
      let wide = number(place - 12, 8)
      guard number(place - 20, 4) == 0x0706_4b50, wide >= 0, wide <= end - 76 else {
        throw ZipArchive.fault(file, "has no directory of 64 bits where one is due", at: end)
      }
      let record = try ZipArchive.bytes(of: file, wide..<wide + 56)
      func wideNumber(_ place: Int) -> Int {
        let value = (0..<8).reduce(UInt64(0)) { $0 | UInt64(record[place + $1]) << (8 * $1) }
        return Int(exactly: value) ?? -1
      }
      guard record.starts(with: Array("PK\u{6}\u{6}".utf8)) else {
        throw ZipArchive.fault(file, "has no directory of 64 bits where one is due", at: wide)
      }
      (count, size, start) = (wideNumber(32), wideNumber(40), wideNumber(48))
      end = wide
    }
    guard number(place + 4, 2) == 0, size >= 0, start >= 0, count >= 0, start <= end,
      size <= end - start
    else {
      throw ZipArchive.fault(
        file, "has a central directory that is not within the file", at: begin + place)
    }
    bytes = start..<start + size
    self.count = count
  }
}

/// Reads the entries of a central directory.
private struct ZipFields {
  private let bytes: [UInt8]
  private let file: File
  private let start: Int
  private var place = 0

  init(_ bytes: [UInt8], file: File, start: Int) {
    (self.bytes, self.file, self.start) = (bytes, file, start)
  }

  var isAtEnd: Bool { place == bytes.count }

  private func number(_ place: Int, _ width: Int) -> UInt64 {
    (0..<width).reduce(0) { $0 | UInt64(bytes[place + $1]) << (8 * $1) }
  }

  private func fault(_ what: String, advice: String = "it is damaged, make or copy it again")
    -> FormatError
  { ZipArchive.fault(file, what, at: start + place, advice: advice) }

  mutating func member(before limit: Int) throws -> ZipArchive.Member {
    guard bytes.count - place >= 46, number(place, 4) == 0x0201_4b50 else {
      throw fault("has a damaged central directory")
    }
    let (flags, method) = (number(place + 8, 2), number(place + 10, 2))
    let lengths = [28, 30, 32].map { Int(number(place + $0, 2)) }
    let length = 46 + lengths.reduce(0, +)
    guard length <= bytes.count - place else { throw fault("has a damaged central directory") }
    let name = String(decoding: bytes[(place + 46)..<(place + 46 + lengths[0])], as: UTF8.self)
    guard flags & 1 == 0 else {
      throw fault("\(name): is encrypted", advice: "unpack it, and pack it without a password")
    }
    guard method == 0 || method == 8, number(place + 34, 2) == 0 else {
      throw fault(
        "\(name): is packed by method \(method), only stored and deflated members are read",
        advice: "write it anew, stored or deflated")
    }
    let extra = (place + 46 + lengths[0])..<(place + 46 + lengths[0] + lengths[1])
    var wide = wideNumbers(extra)[...]
    func value(_ place: Int) throws -> Int {
      let narrow = number(place, 4)
      let value = narrow == 0xffff_ffff ? wide.popFirst() ?? narrow : narrow
      guard let value = Int(exactly: value), value <= 1 << 60 else {
        throw fault("\(name): its size or place is more than any file has")
      }
      return value
    }
    let count = try value(place + 24)
    let packedCount = try value(place + 20)
    let header = try value(place + 42)
    guard header <= limit - 30, packedCount <= limit - 30 - header else {
      throw fault("\(name): lies beyond the end of the archive's members")
    }
    guard method == 8 ? count <= 1032 * packedCount + 64 : count == packedCount else {
      throw fault(
        "\(name): \(packedCount) bytes are to unpack to \(count), as in a ZIP bomb",
        advice: "do not use it")
    }
    // What is not UTF-8 gets other bytes as a text, and is nothing that is looked for.
    let member = ZipArchive.Member(
      name: name, nameCount: lengths[0], header: header, packedCount: packedCount, count: count,
      checksum: UInt32(truncatingIfNeeded: number(place + 16, 4)), isDeflated: method == 8)
    place += length
    return member
  }

  /// The numbers of 64 bits that a member has in place of those that do not fit.
  private func wideNumbers(_ extra: Range<Int>) -> [UInt64] {
    var place = extra.lowerBound
    while place + 4 <= extra.upperBound {
      let (kind, size) = (number(place, 2), Int(number(place + 2, 2)))
      guard place + 4 + size <= extra.upperBound else { break }
      if kind == 1 {
        return stride(from: place + 4, through: place + 4 + size - 8, by: 8).map { number($0, 8) }
      }
      place += 4 + size
    }
    return []
  }
}
