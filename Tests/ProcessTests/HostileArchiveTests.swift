import DLTestSupport
import Foundation
import Testing

/// Archives of arrays that were made to harm, through the real program: one line, exit code 65, little
/// memory, and nothing written.
@Suite(.serialized)
struct HostileArchiveTests {
  /// An archive whose entries can be changed: the fields of APPNOTE.TXT 4.3.12.
  private struct Archive {
    var bytes: [UInt8]

    init(_ name: String) throws {
      bytes = try [UInt8](
        Data(
          contentsOf: URL(fileURLWithPath: golden("numpy/\(name).npz", of: "DLFormatsTests"))))
    }

    /// Where the entries of the directory begin.
    private var entries: [Int] {
      (0..<bytes.count - 46).filter { Array(bytes[$0..<$0 + 4]) == [0x50, 0x4b, 1, 2] }
    }

    private func number(_ place: Int, _ width: Int) -> Int {
      (0..<width).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
    }

    /// Writes a field of a member's entry, and of the header in front of its bytes where `both`.
    mutating func set(_ field: Int, to value: Int, width: Int = 4, of member: Int, both: Int? = nil)
    {
      let entry = entries[member]
      let header = number(entry + 42, 4)
      for place in [entry + field] + (both.map { [header + $0] } ?? []) {
        for byte in 0..<width {
          bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
        }
      }
    }

    /// Renames a member by a name of as many bytes.
    mutating func rename(_ member: Int, to name: [UInt8]) {
      let entry = entries[member]
      let (header, count) = (number(entry + 42, 4), number(entry + 28, 2))
      let name = Array((name + [UInt8](repeating: 0x2e, count: count)).prefix(count))
      bytes.replaceSubrange(entry + 46..<entry + 46 + count, with: name)
      bytes.replaceSubrange(header + 30..<header + 30 + count, with: name)
    }

    /// The fields of a size in the directory, and in front of the bytes.
    static let packed = (20, 18)
    static let unpacked = (24, 22)
  }

  /// Runs `data pack npz` in 1 GB of address space, and expects a refusal.
  private func refuse(
    _ archive: Archive, _ word: String, _ more: [String] = [],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try TemporaryFolder.with { folder in
      try Data(archive.bytes).write(to: URL(fileURLWithPath: folder + "/a.npz"))
      let limited = ["bash", "-c", "ulimit -v 1000000; exec \"$@\"", "bash", Program.path]
      let outcome = try Program.startCommand(
        limited + ["data", "pack", "npz", "a.npz", "-o", "out"] + more, in: folder
      ).wait()
      #expect(outcome.status == 65, "\(outcome.errors)", sourceLocation: sourceLocation)
      let lines = outcome.errors.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(lines.count == 2, "\(outcome.errors)", sourceLocation: sourceLocation)
      #expect(
        outcome.errors.hasPrefix("dltrain: a.npz") && outcome.errors.contains(word),
        "\(outcome.errors)", sourceLocation: sourceLocation)
      #expect(outcome.errors.utf8.count < 4000, sourceLocation: sourceLocation)
      let isPlain = outcome.errors.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" }
      #expect(isPlain, "\(outcome.errors)", sourceLocation: sourceLocation)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(left == ["a.npz"], "\(left)", sourceLocation: sourceLocation)
    }
  }

  @Test func sizesThatDeflateCannotReach() throws {
    for size in [0xffff_fffe, 0x7fff_ffff, 107 * 1033 + 65] {
      var archive = try Archive("deflated")
      archive.set(Archive.unpacked.0, to: size, of: 0, both: Archive.unpacked.1)
      try refuse(archive, "ZIP bomb")
    }
    // One that it can: what comes out ends before, and is no more than the array says.
    var archive = try Archive("deflated")
    archive.set(Archive.unpacked.0, to: 107 * 1032, of: 0, both: Archive.unpacked.1)
    try refuse(archive, "x")
    var stored = try Archive("stored")
    stored.set(Archive.unpacked.0, to: 0x7fff_ffff, of: 0, both: Archive.unpacked.1)
    try refuse(stored, "ZIP bomb")
    stored.set(Archive.packed.0, to: 0x7fff_ffff, of: 0, both: Archive.packed.1)
    try refuse(stored, "beyond the end")
  }

  /// More comes out than was promised.
  @Test func sizesThatAreTooSmall() throws {
    var archive = try Archive("deflated")
    archive.set(Archive.unpacked.0, to: 100, of: 0, both: Archive.unpacked.1)
    try refuse(archive, "a.npz")
  }

  /// Members that share their bytes, by which kilobytes come to petabytes.
  @Test func membersThatOverlap() throws {
    for name in ["stored", "deflated"] {
      var archive = try Archive(name)
      archive.set(42, to: 0, of: 1)
      try refuse(archive, "ZIP bomb")
    }
  }

  /// The header of an array may promise rows that no disk has.
  @Test func headersThatPromiseTooMuch() throws {
    var archive = try Archive("stored")
    let shape = Array("(12, 5)".utf8)
    let place = try #require(
      (0..<archive.bytes.count - shape.count).first {
        Array(archive.bytes[$0..<$0 + shape.count]) == shape
      })
    archive.bytes.replaceSubrange(place..<place + shape.count, with: Array("(9e9,9)".utf8))
    try refuse(archive, "a.npz")
    archive.bytes.replaceSubrange(place..<place + shape.count, with: Array("(9**99)".utf8))
    try refuse(archive, "a.npz")
    archive.bytes.replaceSubrange(place..<place + shape.count, with: Array("(999,9)".utf8))
    try refuse(archive, "a.npz")
  }

  /// Names that leave the folder, end a line, or move the cursor are no more than names.
  @Test func namesOfMembers() throws {
    for name in ["../.npy", "\n\n.npy", "\u{1b}[2J", "/.npy", "\0.npy", "%s%n."] {
      var archive = try Archive("stored")
      archive.rename(0, to: Array(name.utf8))
      try refuse(archive, "has no array \"x\"")
    }
    var archive = try Archive("stored")
    archive.rename(0, to: [0xff, 0xfe, 0x2e, 0x6e, 0x70])
    try refuse(archive, "has no array \"x\"")
    archive = try Archive("stored")
    archive.rename(0, to: Array("y.npy".utf8))
    try refuse(archive, "two members of the name")
    for name in ["../../x", "\u{1b}]0;x\u{7}", String(repeating: "a", count: 100_000)] {
      try refuse(Archive("stored"), "has no array", ["--input", name])
    }
  }
}
