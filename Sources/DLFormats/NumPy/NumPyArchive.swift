import DLCore

/// The arrays of a `.npz` archive, stored (numpy.savez) or deflated (numpy.savez_compressed).
package struct NumPyArchive {
  /// The names of the arrays, without `.npy`, in the order of the archive.
  package let names: [String]
  /// The path as the caller gave it.
  package let path: String
  private let archive: ZipArchive

  /// Opens an archive and reads its directory.
  ///
  /// - Throws: `FormatError` for a file that is damaged, is none, or would unpack to more than
  ///   deflate can pack.
  package init(path: String) throws {
    let file = try File(path, .read)
    let head = try [UInt8](unsafeUninitializedCapacity: FileKind.byteCount) { buffer, count in
      count = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
    guard head.starts(with: ZipArchive.mark) else {
      let kind = FileKind(head)
      throw FormatError(
        .content, file: path, at: 0,
        (kind.map { "is \($0.name), not" } ?? "is no") + " an archive of NumPy arrays (.npz)",
        advice: kind?.conversion ?? "name a file written by numpy.savez")
    }
    archive = try ZipArchive(file)
    self.path = path
    names = archive.members.map(\.name).filter { $0.ends(with: ".npy") }.map {
      String($0.unicodeScalars.dropLast(4))
    }
    guard !names.isEmpty else {
      throw FormatError(
        .content, file: path, "holds no .npy", advice: "name a file written by numpy.savez")
    }
  }

  /// Opens an array, once its bytes have been compared with their checksum.
  ///
  /// - Throws: `FormatError` where there is none of that name, or it is damaged.
  package func array(_ name: String) throws -> NumPyArray {
    guard let member = archive.members.first(where: { $0.name.hasScalars(of: name + ".npy") })
    else {
      throw FormatError(
        .content, file: path, "has no array \"\(name)\"",
        advice: "it has \(names.prefix(20).joined(separator: ", "))")
    }
    let content = try MemberContent(archive, member)
    let array = try NumPyArray(name: "\(path):\(name)", content)
    try content.verify()
    return array
  }
}

/// A member of an archive: read anywhere where it is stored, else forward, and from its beginning
/// again for what lies behind.
private final class MemberContent: NumPyContent {
  let byteCount: Int
  private let archive: ZipArchive
  private let member: ZipArchive.Member
  private let start: Int
  private var inflation: Inflation?
  private var position = 0

  init(_ archive: ZipArchive, _ member: ZipArchive.Member) throws {
    (self.archive, self.member) = (archive, member)
    byteCount = member.count
    start = try archive.contentStart(of: member)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    guard buffer.count <= byteCount - offset else {
      throw ZipArchive.fault(archive.file, "\(member.name): ends too early", at: start)
    }
    guard member.isDeflated else {
      return try archive.file.read(into: buffer, at: start + offset)
    }
    if inflation == nil || offset < position {
      inflation = try Inflation(
        archive.file, start..<start + member.packedCount, name: member.name)
      position = 0
    }
    let gap = offset - position
    // What fails leaves the stream where no further read can use it.
    position = .max
    try inflation?.read(gap..<gap + buffer.count, into: buffer)
    position = offset + buffer.count
  }

  /// Goes through all bytes once, and compares them with the checksum of the directory.
  func verify() throws {
    var sum = CRC32()
    try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 64) { piece in
      for offset in stride(from: 0, to: byteCount, by: piece.count) {
        let count = min(piece.count, byteCount - offset)
        let part = UnsafeMutableRawBufferPointer(rebasing: piece[..<count])
        try read(into: part, at: offset)
        sum.update(UnsafeRawBufferPointer(part))
      }
    }
    guard member.checksum == sum.value else {
      throw ZipArchive.fault(
        archive.file, "\(member.name): the checksum differs from that of its bytes", at: start)
    }
  }
}
