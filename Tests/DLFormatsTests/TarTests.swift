import DLCore
import DLFormats
import DLTestSupport
import Testing

@Suite struct TarTests {
  let folder = TemporaryFolder()

  /// A member with a ustar header.
  private func member(_ name: String, _ content: [UInt8], type: Character = "0", size: Int? = nil)
    -> [UInt8]
  {
    var header = [UInt8](repeating: 0, count: 512)
    header.replaceSubrange(0..<name.utf8.count, with: name.utf8)
    let digits = String(size ?? content.count, radix: 8)
    header.replaceSubrange(124..<124 + digits.utf8.count, with: digits.utf8)
    header.replaceSubrange(148..<156, with: [UInt8](repeating: 32, count: 8))
    header[156] = type.asciiValue ?? 0
    let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
    header.replaceSubrange(148..<156, with: [UInt8](repeating: 0, count: 8))
    header.replaceSubrange(148..<148 + sum.utf8.count, with: sum.utf8)
    let padding = [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    return header + content + padding
  }

  private let end = [UInt8](repeating: 0, count: 1024)

  private func entries(_ bytes: [UInt8]) throws -> [(TarReader.Entry, [UInt8])] {
    let reader = try TarReader(path: folder.write(bytes))
    var result: [(TarReader.Entry, [UInt8])] = []
    while let entry = try reader.next() { result.append((entry, try reader.read())) }
    return result
  }

  @Test(arguments: ["gnu.tar.gz", "pax.tar.gz"])
  func readsWhatTarWrites(_ name: String) throws {
    let reader = try TarReader(path: golden("images/\(name)"))
    var content: [String: [UInt8]] = [:]
    while let entry = try reader.next() {
      #expect(entry.kind == .file)
      content[entry.path] = try reader.read()
    }
    let long = String(repeating: "long-", count: 25)
    for (path, file) in [
      ("set/train/dog/\(long).jpg", "444.jpg"), ("set/train/cat/1.png", "color.png"),
      ("set/test/dog/1.JPG", "420.jpg"),
    ] {
      #expect(try content[path] == File.contents(of: golden("images/\(file)")))
    }
    #expect(content.count == 3)
  }

  @Test func passesOverWhatIsNotRead() throws {
    let bytes = member("a", Array(0..<200)) + member("d/", [], type: "5") + member("b", [7]) + end
    let reader = try TarReader(path: folder.write(bytes))
    #expect(try reader.next()?.path == "a")
    #expect(try reader.next()?.kind == .folder)
    #expect(try reader.next()?.path == "b")
    #expect(try reader.read() == [7])
    #expect(try reader.next() == nil)
    #expect(try entries(member("l", [], type: "2") + end)[0].0.kind == .link)
  }

  @Test func hostileArchivesAreErrors() throws {
    let good = member("a", [1, 2, 3])
    var damaged = good
    damaged[3] = 65
    let pax = [UInt8]("99999999999 path=x\n".utf8)
    let cases: [[UInt8]] = [
      [], [1, 2, 3], [UInt8](repeating: 65, count: 1024), good, Array((good + end)[..<700]),
      damaged,
      member("a", [], size: 1 << 32) + end, member("a", [1], size: 4096) + end,
      member("x", pax, type: "x") + end, member("x", [UInt8]("9 size=-\n".utf8), type: "x") + end,
      member("x", [UInt8]("abc".utf8), type: "x") + end,
    ]
    for (index, bytes) in cases.enumerated() {
      let error = try formatError { _ = try entries(bytes) }
      #expect(error?.kind == .content, "case \(index)")
    }
  }
}
