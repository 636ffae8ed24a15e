import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// Labelled sentences, and the vocabulary of words.
@Suite struct SentencePackTests {
  let folder = TemporaryFolder()

  private func pack(
    _ sources: [String], to output: String = "out",
    _ configure: (inout SentencePacker) -> Void = { _ in }
  ) throws -> [String] {
    var packer = SentencePacker()
    packer.split = .whole
    configure(&packer)
    return try packer.pack(sources, output: "\(folder.path)/\(output)").map(\.path)
  }

  private func integers(_ path: String, _ name: String) throws -> [Int32] {
    values(try SafetensorsFile(path: path).bytes(name), as: Int32.self)
  }

  private func sources() throws -> [String] {
    [
      try folder.write("b a b\r\na  c b d\n\n", to: "pos.txt"),
      try folder.write("b é\n \t\n<pad> b\n", to: "neg.txt"),
    ]
  }

  @Test func filesNamedByClass() throws {
    var notices: [String] = []
    let path = try pack(sources()) { $0.notice = { notices.append($0) } }[0]
    #expect(path.hasSuffix("/out/train.safetensors"))
    let file = try SafetensorsFile(path: path)
    // Frequency, then scalars: b 5, a 2, c d é 1; "<pad>" is no word.
    #expect(try PackedWords(path).vocabulary == ["<pad>", "<unk>", "b", "a", "c", "d", "é"])
    #expect(file["x"]?.shape == [4, 4] && file["x"]?.dtype == .int32)
    #expect(
      try integers(path, "x") == [2, 3, 2, 0, 3, 4, 2, 5, 2, 6, 0, 0, 1, 2, 0, 0])
    #expect(try integers(path, "y") == [1, 1, 0, 0])
    #expect(try integers(path, "lengths") == [3, 4, 2, 2])
    #expect(file.metadata["padding"] == "0" && file.metadata["classes"] == "2")
    let dataset = try TensorFileDataset(path: path)
    #expect(dataset.classNames?.names == ["neg", "pos"] && dataset.rowLengths == [3, 4, 2, 2])
    #expect(notices.contains { $0.contains("2 texts without words left out") })
  }

  @Test func vocabularyIsCutByFrequencyAndSize() throws {
    let rare = try pack(sources()) { ($0.minimumCount, $0.length) = (2, 3) }[0]
    #expect(try PackedWords(rare).vocabulary == ["<pad>", "<unk>", "b", "a"])
    #expect(try integers(rare, "x") == [2, 3, 2, 3, 1, 2, 2, 1, 0, 1, 2, 0])
    #expect(try integers(rare, "lengths") == [3, 3, 2, 2])
    let few = try pack(sources()) { $0.maximumWords = 1 }[0]
    #expect(try PackedWords(few).vocabulary == ["<pad>", "<unk>", "b"])
  }

  @Test func foldersAndTables() throws {
    let files = try integers(pack(sources())[0], "y")
    for (name, text) in [("in/pos/1.txt", "b a b\nc"), ("in/neg/2.txt", "b"), ("in/neg/x.md", "")] {
      try File.makeFolder(
        "\(folder.path)/" + name.split(separator: "/").dropLast().joined(separator: "/"))
      try folder.write(text, to: name)
    }
    let nested = try pack(["\(folder.path)/in"])[0]
    // A file is a text, whatever its lines.
    #expect(try integers(nested, "y") == [0, 1] && integers(nested, "lengths") == [1, 4])
    try File.makeFolder("\(folder.path)/flat")
    try folder.write("b a b\na c b d\n", to: "flat/pos.txt")
    try folder.write("b é\n<pad> b\n", to: "flat/neg.txt")
    #expect(try integers(pack(["\(folder.path)/flat"])[0], "y") == files.sorted())
    let table = try folder.write("pos\tb a\tb\n\nvery neg \tb\n", to: "table.tsv")
    let packed = try pack([table])[0]
    #expect(try integers(packed, "lengths") == [3, 1])
    #expect(try TensorFileDataset(path: packed).classNames?.names == ["pos", "very neg"])
  }

  /// Parts do not depend on anything but seed and fraction, and make up the whole; the vocabulary is
  /// that of the training part.
  @Test func partsAreKeyedBySeed() throws {
    let lines = (0..<40).map { "w\($0)" }
    let source = try folder.write(lines.map { "c\t\($0)\n" }.joined(), to: "table.tsv")
    func split(_ seed: Int, _ fraction: Double = 0.7) throws -> [[String]] {
      let paths = try pack([source]) { $0.split = .training(fraction, seed: seed) }
      #expect(paths.count == 2)
      return try paths.map { path in
        let words = try PackedWords(path)
        return try integers(path, "x").map { words.vocabulary[Int($0)] }
      }
    }
    let one = try split(1)
    #expect(one[0].count == 28 && one[1] == [String](repeating: "<unk>", count: 12))
    #expect(one[0] == lines.filter { one[0].contains($0) })
    let again = try split(1)
    let other = try split(2)
    #expect(one == again && one[0] != other[0])
    #expect(refusal { _ = try split(1, 0) }.contains("split: 0.0,1.0 is out of range"))
    #expect(refusal { _ = try split(1, 0.99) }.contains("too few for 2 parts"))
  }

  @Test func othersAreNumberedAlike() throws {
    let train = try pack(sources())[0]
    let other = try folder.write("pos\tzebra b a c b a\n", to: "test.tsv")
    let test = try pack([other], to: "t.safetensors") { $0.like = train }
    #expect(test == ["\(folder.path)/t.safetensors"])
    #expect(try integers(test[0], "x") == [1, 2, 3, 4] && integers(test[0], "y") == [1])
    #expect(try PackedWords(test[0]).vocabulary == PackedWords(train).vocabulary)
    let strange = try folder.write("new\tb\n", to: "new.tsv")
    #expect(
      refusal { _ = try pack([strange]) { $0.like = train } }.contains(
        "has the class \"new\", which \(train) lacks"))
    let parts = try pack(sources()) { $0.validation = [other] }
    #expect(try integers(parts[1], "x") == [1, 2, 3, 4, 2, 3])
    #expect(try SafetensorsFile(path: parts[0])["x"]?.shape == [4, 6])
  }

  /// A text of several classes, of one and of none.
  @Test func severalClassesOfAText() throws {
    let table = try folder.write("pet, dog\tb a\ncat\tb\n\tc\npet,cat\ta\n", to: "many.tsv")
    let path = try pack([table]) { $0.isMultiLabel = true }[0]
    let file = try SafetensorsFile(path: path)
    #expect(try TensorFileDataset(path: path).classNames?.names == ["cat", "dog", "pet"])
    #expect(file["y"]?.shape == [4, 3] && file["y"]?.dtype == .float32)
    let labels = values(try file.bytes("y"), as: Float.self)
    #expect(labels == [0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 1])
    // The numbers of another file are those of the first.
    let other = try folder.write("pet\ta\n", to: "other.tsv")
    let like = try pack([other], to: "l.safetensors") { ($0.isMultiLabel, $0.like) = (true, path) }
    #expect(
      try values(SafetensorsFile(path: like[0]).bytes("y"), as: Float.self) == [0, 0, 1])
    // Parts have their own rows.
    let parts = try pack([table]) { ($0.isMultiLabel, $0.split) = (true, .training(0.5)) }
    let halves = try parts.map { try SafetensorsFile(path: $0)["y"]?.shape ?? [] }
    #expect(halves == [[2, 3], [2, 3]])
    let strata = refusal {
      _ = try pack([table]) { ($0.isMultiLabel, $0.split.isStratified) = (true, true) }
    }
    #expect(strata.contains("are no classes"))
    let files = refusal { _ = try pack(sources()) { $0.isMultiLabel = true } }
    #expect(files.contains("multi-label: needs"))
    let none = try folder.write("\ta b\n", to: "none.tsv")
    #expect(
      refusal { _ = try pack([none]) { $0.isMultiLabel = true } }.contains("gives no text a class"))
    let gap = try folder.write("a,,b\tc\n", to: "gap.tsv")
    #expect(
      refusal { _ = try pack([gap]) { $0.isMultiLabel = true } }.contains("line 1 is not a class"))
  }

  @Test func faultsAreTold() throws {
    let one = try folder.write("no tab\n", to: "one.txt")
    #expect(refusal { _ = try pack([one]) }.contains("one.txt: line 1 is not a class, a tab"))
    let empty = try folder.write("\n", to: "empty.txt")
    #expect(refusal { _ = try pack([empty, empty]) }.contains("would be one class"))
    #expect(refusal { _ = try pack([empty]) }.contains("holds no words"))
    // Beside others it would be a class that nobody misses.
    let full = try folder.write("a film\n", to: "full.txt")
    #expect(refusal { _ = try pack([full, empty]) }.contains("there would be no class"))
    #expect(refusal { _ = try pack([folder.path + "/none"]) }.contains("none: cannot open"))
    #expect(
      refusal { _ = try pack(sources(), to: "x.safetensors") { $0.split = .training(0.5) } }
        .contains("is one file for 2 parts"))
    #expect(refusal { _ = try pack(sources()) { $0.length = 0 } }.contains("length: 0"))
    #expect(refusal { _ = try pack(sources()) { $0.minimumCount = 0 } }.contains("min-count"))
    #expect(!File.exists(folder.path + "/out"))
  }

  @Test func wordsComeBack() throws {
    let words = WordTokenizer(counting: [["b", "a"], ["b", "K"]])
    let again = try TokenizerFile.read(words.json.description, file: "it")
    // The Kelvin sign is no K.
    #expect(try again.encode("b  \u{212a} a K") == [2, 1, 4, 3])
    #expect(try again.decode([2, 0, 1, 3, 0]) == "b <unk> K")
    #expect(again.count == 5)
    #expect(throws: DataError.self) { try again.decode([5]) }
    for damaged in [
      "[\"<pad>\"]", "[\"<unk>\", \"<pad>\"]", "[\"<pad>\", \"<unk>\", \"a\", \"a\"]", "[1]", "{}",
    ] {
      #expect(throws: FormatError.self) {
        try TokenizerFile.read("{\"kind\": \"words\", \"vocabulary\": \(damaged)}", file: "it")
      }
    }
  }
}

/// The vocabulary of a data set file of words.
struct PackedWords {
  let vocabulary: [String]

  init(_ path: String) throws {
    vocabulary = try (TokenizerFile.read(path: path) as? WordTokenizer)?.vocabulary ?? []
  }
}
