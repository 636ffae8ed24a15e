import DLCore
import DLFormats
import DLTestSupport
import Testing

/// Texts that Swift's strings take for equal and Python's do not.
@Suite struct ScalarStringTests {
  let folder = TemporaryFolder()
  private static let twins = [
    ("\u{212a}", "K"), ("\u{e9}", "e\u{301}"), ("\u{37e}", ";"), ("\u{212b}", "\u{c5}"),
    ("\u{f91d}", "\u{6b04}"), ("\u{1f71}", "\u{3ac}"), ("\u{ac00}", "\u{1100}\u{1161}"),
  ]

  @Test(arguments: twins) func equivalentTextsAreTwoKeys(_ one: String, _ other: String) {
    #expect(one == other, "the premise: Swift takes them for equal")
    #expect(ScalarString(one) != ScalarString(other))
    #expect(!one.hasScalars(of: other) && one.hasScalars(of: one))
    #expect(Set([one, other, one].map { ScalarString($0) }).count == 2)
    #expect(!"\(one)x".begins(with: other) && !"x\(one)".ends(with: other))
    #expect(JSON.string(one) != .string(other))
    #expect(JSON.object([.init(one, 1)]) != .object([.init(other, 1)]))
    #expect(JSON.object([.init(one, 1), .init(other, 2)])[other] == 2)
  }

  @Test func markedSeparatorsSeparate() {
    #expect("a=\u{301}b=c".parts(at: "=", limit: 1) == ["a", "\u{301}b=c"])
    #expect("/a/\u{301}b//".parts(at: "/") == ["", "a", "\u{301}b", "", ""])
    #expect("/a/\u{301}b//".parts(at: "/", omittingEmpty: true) == ["a", "\u{301}b"])
    #expect("".parts(at: ",") == [""])
    #expect("\u{600}.png".ends(with: ".png") && "/\u{301}x".begins(with: "/"))
    #expect(
      ["\u{212a}", "Z", "L", "\u{1f71}", "\u{3ad}"].sortedByScalars()
        == ["L", "Z", "\u{3ad}", "\u{1f71}", "\u{212a}"])
  }

  /// A file of the reference implementation with tensors and metadata under equivalent names.
  @Test func safetensorsOfEquivalentNamesIsRead() throws {
    let bytes = try SafetensorsFile(path: golden("files.safetensors")).bytes("twins")
    let file = try SafetensorsFile(path: folder.write(bytes))
    for (name, value) in [("\u{e9}", 1), ("e\u{301}", 2), ("K", 3), ("\u{212a}", 4)]
      as [(String, Float)]
    {
      #expect(try values(file.bytes(name), as: Float.self) == [value])
    }
    #expect(file.metadataEntries.count == 2)
    let path = "\(folder.path)/again"
    try SafetensorsWriter.write(
      file.tensors.map { info in
        SafetensorsTensor(name: info.name, dtype: info.dtype, shape: info.shape) { sink in
          try file.bytes(info.name).withUnsafeBytes { try sink($0) }
        }
      }, to: path)
    #expect(try values(SafetensorsFile(path: path).bytes("e\u{301}"), as: Float.self) == [2])
  }

  @Test func aMarkBeforeJSONIsNoContent() throws {
    #expect(try JSON(parsing: "\u{feff}{\"a\": 1}") == ["a": 1])
    #expect(throws: FormatError.self) { try JSON(parsing: "{\u{feff}\"a\": 1}") }
  }
}
