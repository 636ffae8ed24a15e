import DLCore
import DLFormats
import DLTestSupport
import Testing

/// Tables: what Python's csv wrote, and what is no table.
@Suite struct CSVTests {
  let folder = TemporaryFolder()

  private func rows(_ path: String, separator: UInt8 = UInt8(ascii: ",")) throws -> [[String]] {
    var reader = try CSVReader(path: path, separator: separator)
    var rows: [[String]] = []
    while let row = try reader.next() { rows.append(row) }
    return rows
  }

  private func rows(of text: String) throws -> [[String]] {
    try rows(folder.write(text, to: "table.csv"))
  }

  @Test(arguments: ["cells.csv", "quoted.csv"])
  func readsWhatPythonWrote(_ name: String) throws {
    let wanted = try goldenJSON("cells.json").get("rows").list().map { try $0.strings() }
    #expect(try rows(golden(name)) == wanted)
  }

  @Test func cellsAndLines() throws {
    #expect(try rows(of: "") == [])
    #expect(try rows(of: "\n\n") == [])
    #expect(try rows(of: "a,b\r\n\r\n 1 ,\t2\n") == [["a", "b"], ["1", "2"]])
    #expect(try rows(of: "\u{feff}a,\n,b") == [["a", ""], ["", "b"]])
    #expect(try rows(of: "\"a\"\"\" , \" b \"\rc") == [["a\"", " b "], ["c"]])
    #expect(try rows(of: "\"\"") == [[""]])
    #expect(try rows(of: "5\" disk,x") == [["5\" disk", "x"]])
    let tabs = try folder.write("a b\t\"c\td\"\n", to: "table.tsv")
    #expect(try rows(tabs, separator: 9) == [["a b", "c\td"]])
  }

  @Test func linesAreCountedWithinQuotes() throws {
    var reader = try CSVReader(path: folder.write("\n\"a\nb\",1\n\nc,2\n", to: "table.csv"))
    #expect(try reader.next() == ["a\nb", "1"] && reader.line == 2)
    #expect(try reader.next() == ["c", "2"] && reader.line == 5)
    #expect(try reader.next() == nil)
  }

  @Test func faultsNameTheLine() throws {
    #expect(
      try formatError { _ = try rows(of: "a\nb,\"c\nd\n") }?.description.contains(
        "line 2 opens a quote that is not closed") == true)
    #expect(
      try formatError { _ = try rows(of: "a\n\"b\nc\"d\n") }?.description.contains(
        "line 3 has text behind a closing quote") == true)
    #expect(try formatError { _ = try rows(of: "a,\u{1f}\u{0}b") } == nil)
    let binary = try folder.write([0xff, 0xfe, 0x41, 0], to: "utf16.csv")
    #expect(try formatError { _ = try rows(binary) }?.description.contains("UTF-16") == true)
  }

  /// Nothing in a file may trap.
  @Test func everyCutAndEveryFlippedBitIsATableOrATypedError() throws {
    let bytes = try File.contents(of: golden("cells.csv"))
    for count in bytes.indices {
      let path = try folder.write(Array(bytes[..<count]))
      #expect(try formatError { _ = try rows(path) }.map { $0.exitCode == .data } ?? true)
    }
    for position in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[position] ^= 1 << bit
        let path = try folder.write(damaged)
        #expect(try formatError { _ = try rows(path) }.map { $0.exitCode == .data } ?? true)
      }
    }
  }
}
