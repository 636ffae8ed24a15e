import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

@Suite struct TextTests {
  let folder = TemporaryFolder()

  /// A file of the tokens 0 ..< count.
  private func tokens(_ count: Int, classes: String? = nil) throws -> String {
    let path = "\(folder.path)/tokens.safetensors"
    try SafetensorsWriter.write(
      [tensor("tokens", .int32, [count], (0..<count).map(Int32.init))],
      metadata: ["classes": classes ?? String(count)], to: path)
    return path
  }

  private func windows(_ dataset: TokenWindowDataset) throws -> [[Int32]] {
    let length = dataset.inputShape[0]
    let (x, y) = try read(dataset, Array(0..<dataset.count))
    let (inputs, labels) = (values(x, as: Int32.self), values(y, as: Int32.self))
    // The label of a token is the one after it.
    #expect(labels == inputs.map { $0 + 1 })
    return (0..<dataset.count).map { Array(inputs[$0 * length..<($0 + 1) * length]) }
  }

  @Test func characterTokensComeBack() throws {
    let text = "Grüße,\r\n\"e\u{301}\" 👍🏽 \u{0}."
    let tokenizer = CharacterTokenizer(of: text)
    #expect(tokenizer.characters == Set(text.unicodeScalars).sorted())
    let codes = try tokenizer.encode(text)
    #expect(codes.count == text.unicodeScalars.count)
    #expect(try tokenizer.decode(codes) == text)
    let again = try TokenizerFile.read(tokenizer.json.description, file: "it")
    #expect(again.count == tokenizer.count)
    #expect(try again.decode(codes) == text)
    #expect(refusal { _ = try tokenizer.encode("x") }.contains("\"x\" (U+78) does not occur"))
    #expect(throws: DataError.self) { try tokenizer.decode([-1]) }
    #expect(throws: DataError.self) { try tokenizer.decode([Int32(tokenizer.count)]) }
  }

  @Test(arguments: [
    "{}", "[]", "{\"kind\": \"x\"}", "{\"kind\": \"characters\"}", "nonsense",
    "{\"kind\": \"characters\", \"vocabulary\": [\"a\", \"a\"]}",
    "{\"kind\": \"characters\", \"vocabulary\": [\"ab\"]}",
    "{\"kind\": \"characters\", \"vocabulary\": [1]}", "{\"kind\": \"bpe\", \"vocabulary\": []}",
    "{\"kind\": \"bpe\", \"vocabulary\": [\"<pad>\", \"<s>\", \"</s>\", \"<unk>\", \"a\"], \"merges\": [4]}",
    "{\"kind\": \"bpe\", \"vocabulary\": [\"<pad>\", \"<s>\", \"</s>\", \"<unk>\", \"a\"], \"merges\": [4, 4]}",
    "{\"kind\": \"bpe\", \"vocabulary\": [\"<pad>\", \"<s>\", \"</s>\", \"<unk>\", \"a\"], \"merges\": [4, -4]}",
  ])
  func damagedTokenizersAreErrors(_ text: String) {
    #expect(throws: FormatError.self) { try TokenizerFile.read(text, file: "it") }
  }

  @Test func everyOffsetIsAWindow() throws {
    let dataset = try TokenWindowDataset(path: tokens(10), window: 4)
    #expect(dataset.classCount == 10 && dataset.labelShape == [4])
    #expect(try windows(dataset) == (0..<6).map { first in (first..<first + 4).map(Int32.init) })
  }

  @Test func disjointWindowsCoverTheTokensOnce() throws {
    let path = try tokens(10)
    let dataset = try TokenWindowDataset(path: path, window: 3, windows: .disjoint)
    #expect(try windows(dataset) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]])
    let one = try TokenWindowDataset(path: path, window: 9, windows: .disjoint)
    #expect(one.count == 1)
  }

  @Test func streamsGoOnFromStepToStep() throws {
    let dataset = try TokenWindowDataset(
      path: tokens(20), window: 3, windows: .streams(count: 2))
    // 19 usable tokens make two streams of 9, three stretches of 3 each.
    #expect(
      try windows(dataset)
        == [[0, 1, 2], [9, 10, 11], [3, 4, 5], [12, 13, 14], [6, 7, 8], [15, 16, 17]])
  }

  @Test func windowsThatDoNotFitAreErrors() throws {
    let path = try tokens(10)
    for window in [0, -1, 10, Int.max] {
      #expect(throws: DataError.self) { try TokenWindowDataset(path: path, window: window) }
    }
    for count in [0, -1, 4, Int.max] {
      #expect(throws: DataError.self) {
        try TokenWindowDataset(path: path, window: 3, windows: .streams(count: count))
      }
    }
    for classes in ["", "x", "0", "99999999999"] {
      let path = try tokens(10, classes: classes)
      #expect(throws: FormatError.self) { try TokenWindowDataset(path: path, window: 2) }
    }
    let dataset = try TokenWindowDataset(path: tokens(10, classes: "5"), window: 2)
    #expect(throws: FormatError.self) { try read(dataset, [3]) }
  }

  @Test func packsTextInTwoParts() throws {
    let text = "to be, or not to be: that is"
    let files = try TextPacker.pack(
      folder.write(text, to: "text"), output: "\(folder.path)/out", split: .training(0.75))
    #expect(files.map(\.shape) == [[21], [7]])
    let tokenizer = try TokenizerFile.read(path: files[0].path)
    let parts = try files.map { file in
      try tokenizer.decode(
        values(SafetensorsFile(path: file.path).bytes("tokens"), as: Int32.self))
    }
    #expect(parts.joined() == text)
    let dataset = try TokenWindowDataset(path: files[1].path, window: 4)
    #expect(dataset.classCount == tokenizer.count && tokenizer.count == Set(text).count)
    #expect(try TokenWindowDataset.isTokenFile(files[0].path))
  }

  @Test func unusableTextsAreErrors() throws {
    func pack(_ text: String, _ fraction: Double = 0.9) -> String {
      refusal {
        _ = try TextPacker.pack(
          folder.write(text, to: "text"), output: "\(folder.path)/out",
          split: .training(fraction))
      }
    }
    #expect(pack("").contains("too few"))
    #expect(pack("abc").contains("too few"))
    #expect(pack("long enough for two", 1.5).contains("split"))
    #expect(pack("long enough for two", .nan).contains("split"))
    let file = try File("\(folder.path)/bytes", .create)
    try [UInt8](repeating: 0xff, count: 40).withUnsafeBytes { try file.write($0) }
    #expect(
      refusal { _ = try TextPacker.pack(file.path, output: folder.path) }.contains("not UTF-8"))
  }

  @Test(.needs(.tinyShakespeare))
  func packsShakespeareAsNanoGPT() throws {
    let files = try TextPacker.pack(
      SharedData.tinyShakespeare.path + "/input.txt", output: "\(folder.path)/out")
    // The numbers that nanoGPT's data/shakespeare_char/prepare.py prints.
    #expect(files.map(\.shape) == [[1_003_854], [111_540]])
    #expect(try TokenizerFile.read(path: files[0].path).count == 65)
  }
}
