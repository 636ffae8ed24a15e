import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

@Suite struct FileTests {
  let folder = TemporaryFolder()

  @Test func replaceLeavesOldOrNew() throws {
    let path = "\(folder.path)/latest"
    try File.replace(path) { try $0.write("one") }
    try File.replace(path) { try $0.write("two") }
    #expect(try File.contents(of: path) == Array("two".utf8))
    #expect(try File.list(folder.path) == ["latest"])
    let error = try formatError { try File.replace("\(folder.path)/no/file") { _ in } }
    #expect(error?.exitCode == .io)
    #expect(error?.file == "\(folder.path)/no/file")
  }

  @Test func aSecondNameIsGivenOnce() throws {
    let path = "\(folder.path)/one"
    let file = try File(path, .create)
    try file.write("first name")
    #expect(try File.link(path, to: "\(folder.path)/two"))
    #expect(try !File.link(path, to: "\(folder.path)/two"))
    try file.write("third", at: 0)
    #expect(try File.contents(of: "\(folder.path)/two") == Array("third name".utf8))
    let error = try formatError {
      _ = try File.link("\(folder.path)/none", to: "\(folder.path)/three")
    }
    #expect(error?.exitCode == .io)
  }

  @Test func foldersFilesAndLimits() throws {
    let deep = "\(folder.path)/a/b/c"
    try File.makeFolder(deep)
    try File.makeFolder(deep)
    #expect(File.isFolder(deep))
    let path = try folder.write([1, 2, 3, 4])
    #expect(try formatError { try File.makeFolder(path + "/x") }?.exitCode == .io)
    #expect(try formatError { _ = try File.contents(of: path, limit: 3) }?.exitCode == .data)
    #expect(try formatError { _ = try File("", .read) }?.exitCode == .io)
    #expect(try formatError { _ = try File("/dev/zero", .read) }?.exitCode == .io)
    #expect(try File.remove(path))
    #expect(try !File.remove(path))
    #expect(try formatError { _ = try File.list(path) }?.exitCode == .io)
  }

  @Test func whatLiesAtAPath() throws {
    let path = try folder.write([1])
    #expect(try File.kind(of: path) == .file)
    #expect(try File.kind(of: folder.path) == .folder)
    #expect(try File.kind(of: "/dev/null") == .other)
    for absent in ["\(folder.path)/none", path + "/none", "\(folder.path)/none/none"] {
      #expect(try File.kind(of: absent) == nil)
      #expect(!File.exists(absent))
    }
    // Links that lead nowhere, or to themselves, are there.
    for (name, target) in [("dead", "none"), ("circle", "circle")] {
      let link = "\(folder.path)/\(name)"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
      let error = try formatError { _ = try File.kind(of: link) }
      #expect(error?.exitCode == .io && error?.file == link)
    }
    #expect(File.exists("\(folder.path)/circle/file"))
    #expect(
      try formatError { _ = try File.kind(of: "\(folder.path)/circle/file") }?.exitCode == .io)
  }

  @Test func appendAndTruncate() throws {
    let path = "\(folder.path)/log"
    try File(path, .append).write("one\n")
    try File(path, .append).write("two\n")
    try File(path, .update).truncate(to: 4)
    #expect(try File.contents(of: path) == Array("one\n".utf8))
  }

  @Test func messagesStayOnOneLine() {
    let error = FormatError(.content, file: "a\nb", at: 3, "bad \u{1b}[0m", advice: "stop")
    #expect(error.description == "a\\u{a}b: bad \\u{1b}[0m (at byte 3), stop")
  }

  @Test func crcMatchesItsCheckValue() {
    // The check value of CRC-32/ISO-HDLC.
    var sum = CRC32()
    Array("1234".utf8).withUnsafeBytes { sum.update($0) }
    [UInt8]().withUnsafeBytes { sum.update($0) }
    Array("56789".utf8).withUnsafeBytes { sum.update($0) }
    #expect(sum.value == 0xcbf4_3926)
    func of(_ text: String) -> CRC32 { CRC32(value: Array(text.utf8).withUnsafeBytes(CRC32.of)) }
    var joined = of("12")
    joined.append(of("345678"), byteCount: 6)
    joined.append(CRC32(), byteCount: 0)
    joined.append(of("9"), byteCount: 1)
    #expect(joined == sum)
  }
}
