import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// Packing by another file's classes or vocabulary.
@Suite struct PackLikeTests {
  let folder = TemporaryFolder()

  private func pixel(_ gray: UInt8, channels: Int, size: Int = 2) throws -> [UInt8] {
    let path = "\(folder.path)/pixel.png"
    try RasterImage(
      height: size, width: size, channels: channels,
      pixels: [UInt8](repeating: gray, count: size * size * channels)
    ).writePNG(to: path)
    return try File.contents(of: path)
  }

  private func put(_ classes: [String], in name: String, channels: Int = 3, size: Int = 2) throws {
    for (index, label) in classes.enumerated() {
      try File.makeFolder("\(folder.path)/\(name)/\(label)")
      let file = try File("\(folder.path)/\(name)/\(label)/1.png", .create)
      try pixel(UInt8(10 * index), channels: channels, size: size)
        .withUnsafeBytes { try file.write($0) }
    }
  }

  private func pack(_ name: String, like: String? = nil) throws -> String {
    var packer = ImagePacker()
    packer.like = like
    return try packer.pack("\(folder.path)/\(name)", output: "\(folder.path)/\(name)-out")[0].path
  }

  @Test func images() throws {
    try put(["apple", "banana", "cherry"], in: "all")
    try put(["cherry", "banana"], in: "some", channels: 1)
    let all = try pack("all")
    let some = try TensorFileDataset(path: pack("some", like: all))
    #expect(some.classNames?.names == ["apple", "banana", "cherry"])
    #expect(some.classCount == 3 && some.inputShape == [2, 2, 3])
    #expect(values(try read(some, [0, 1]).y, as: Int32.self) == [1, 2])
    #expect(values(try read(some, [0]).x, as: UInt8.self).allSatisfy { $0 == 10 })

    try put(["apple", "zebra"], in: "more")
    #expect(
      refusal { _ = try pack("more", like: all) }.contains(
        "more: has the class \"zebra\", which \(all) lacks"))
    try put(["apple"], in: "large", size: 3)
    #expect(refusal { _ = try pack("large", like: all) }.contains("size 2x2"))
    #expect(!File.exists("\(folder.path)/large-out"))
    let text = try TextPacker.pack(
      folder.write("some text that is long enough", to: "text"), output: folder.path + "/text-out")
    #expect(refusal { _ = try pack("some", like: text[0].path) }.contains("holds no images"))
  }

  @Test func texts() throws {
    let train = try TextPacker.pack(
      folder.write("abcdabcdabcd\nabcdabcdabcd", to: "a"), output: folder.path + "/a-out")[0].path
    let other = try folder.write("cadcadcadcad\ncadcadcadcadbbb", to: "b")
    let files = try TextPacker.pack(other, output: folder.path + "/b-out", like: train)
    let tokens = try SafetensorsFile(path: files[0].path).bytes("tokens")
    #expect(
      try TokenizerFile.read(path: train).decode(values(tokens, as: Int32.self))
        == "cadcadcadcad\ncadcadcadcad")
    let metadata = try [train, files[1].path].map { try SafetensorsFile(path: $0).metadata }
    #expect(metadata[0]["tokenizer"] == metadata[1]["tokenizer"])
    #expect(metadata[0]["classes"] == "5" && metadata[1]["classes"] == "5")
    let unknown = try folder.write("abcdabcdabcd\nd\u{e9}abcdabcdabcdabcd", to: "c")
    #expect(
      refusal { _ = try TextPacker.pack(unknown, output: folder.path + "/c-out", like: train) }
        .contains("c: line 2 has the character \"\u{e9}\" (U+E9), which \(train) lacks"))
    #expect(!File.exists(folder.path + "/c-out"))
  }

  /// What has an unknown token maps to it what it does not know.
  @Test func pieces() throws {
    let source = try folder.write("ab ab\nba\n", to: "s.de")
    let target = try folder.write("ab\nba ba\n", to: "s.en")
    var packer = ParallelPacker()
    packer.vocabulary = 8
    let first = try packer.pack([.init(source: source, target: target)], output: folder.path + "/p")
    packer.tokenizer = first[0].path
    let other = try folder.write("ab\u{df}\n", to: "t.de")
    let second = try packer.pack([.init(source: other, target: other)], output: folder.path + "/q")
    let x = try SafetensorsFile(path: second[0].path).bytes("x")
    #expect(values(x, as: Int32.self).contains(BytePairTokenizer.unknown))
    let text = try TextPacker.pack(
      folder.write("ab ba \u{df} ab ba ab ba", to: "text"), output: folder.path + "/r",
      like: first[0].path)
    let tokens = try SafetensorsFile(path: text[0].path).bytes("tokens")
    #expect(values(tokens, as: Int32.self).contains(BytePairTokenizer.unknown))
  }
}
