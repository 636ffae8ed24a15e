import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// Parts of sources that have none, by the one way that all packers part rows.
@Suite struct SplitPackTests {
  let folder = TemporaryFolder()
  private let thirds = SplitPlan(shares: [0.5, 0.25, 0.25], seed: 5)

  private func names(_ files: [PackedFile], in output: String) -> [String] {
    files.map { String($0.path.dropFirst(output.count + 1).dropLast(".safetensors".count)) }
  }

  private func integers(_ file: PackedFile, _ name: String) throws -> [Int32] {
    values(try SafetensorsFile(path: file.path).bytes(name), as: Int32.self)
  }

  @Test func taggedSentences() throws {
    let text = (0..<8).map { "1\tword\($0)\t_\tTAG\($0 % 2)\tx\t_\t0\troot\t_\t_\n\n" }.joined()
    let path = try folder.write(text, to: "all.conllu")
    let output = folder.path + "/out"
    var packer = TaggedPacker()
    packer.split = thirds
    let files = try packer.pack([("train", path)], output: output)
    #expect(names(files, in: output) == ["train", "validation", "test"])
    #expect(files.map { $0.shape[0] } == [4, 2, 2])
    // The vocabulary is that of the part to train on: the other words are unknown.
    #expect(try Set(integers(files[0], "x")) == [2, 3, 4, 5])
    #expect(try Set(integers(files[1], "x") + integers(files[2], "x")) == [1])
    for file in files {
      #expect(try SafetensorsFile(path: file.path).metadata["class_names"] == #"["TAG0","TAG1"]"#)
    }
    packer.split = SplitPlan(folds: 2)
    #expect(try packer.pack([("train", path)], output: output).count == 4)
    #expect(
      refusal {
        _ = try packer.pack([("train", path), ("validation", path)], output: output)
      }.contains("split: parts one file"))
    packer.split = SplitPlan(isStratified: true)
    #expect(
      refusal { _ = try packer.pack([("train", path)], output: output) }.contains(
        "are no classes"))
  }

  @Test func translations() throws {
    let source = try folder.write((0..<8).map { "eins \($0)\n" }.joined(), to: "all.de")
    let target = try folder.write((0..<8).map { "one \($0)\n" }.joined(), to: "all.en")
    let output = folder.path + "/out"
    var packer = ParallelPacker()
    packer.vocabulary = 280
    packer.split = thirds
    let pair = ParallelPacker.Pair(source: source, target: target)
    let files = try packer.pack([pair], output: output)
    #expect(names(files, in: output) == ["train", "validation", "test"])
    let texts = try files.map { try ParallelText.targets(path: $0.path) }
    #expect(texts.map(\.count) == [4, 2, 2])
    #expect(Set(texts.joined()) == Set((0..<8).map { "one \($0)" }))
    let vocabularies = try files.map { try SafetensorsFile(path: $0.path).metadata["tokenizer"] }
    #expect(Set(vocabularies).count == 1)
    #expect(
      refusal { _ = try packer.pack([pair, pair], output: output) }.contains("would have one name"))
    packer.split = SplitPlan(folds: 2)
    #expect(
      try names(packer.pack([pair], output: output), in: output)
        == ["fold-1/train", "fold-1/validation", "fold-2/train", "fold-2/validation"])
  }

  @Test func imagesOfIDX() throws {
    for (prefix, count) in [("train", 12), ("t10k", 2)] {
      let header: [UInt8] = [0, 0, 8, 3, 0, 0, 0, UInt8(count), 0, 0, 0, 1, 0, 0, 0, 2]
      _ = try folder.write(
        header + (0..<2 * count).map { UInt8($0 / 2) }, to: "\(prefix)-images-idx3-ubyte")
      _ = try folder.write(
        [0, 0, 8, 1, 0, 0, 0, UInt8(count)] + (0..<count).map { UInt8($0 % 3) },
        to: "\(prefix)-labels-idx1-ubyte")
    }
    let output = folder.path + "/out"
    let files = try MNISTPacker.packMNIST(
      directory: folder.path, output: output,
      split: SplitPlan(shares: [0.75, 0.25], isStratified: true))
    #expect(names(files, in: output) == ["train", "validation", "test"])
    #expect(files.map { $0.shape } == [[9, 1, 2, 1], [3, 1, 2, 1], [2, 1, 2, 1]])
    var all: [UInt8] = []
    for file in files.prefix(2) {
      let x = try SafetensorsFile(path: file.path).bytes("x")
      all += x
      // Image n is all n, and has the class n % 3.
      #expect(
        try integers(file, "y") == stride(from: 0, to: x.count, by: 2).map { Int32(x[$0] % 3) })
    }
    #expect(all.sorted() == (0..<24).map { UInt8($0 / 2) })
    #expect(try integers(files[1], "y").sorted() == [0, 1, 2])
    #expect(
      refusal {
        _ = try MNISTPacker.packMNIST(directory: folder.path, output: output, split: thirds)
      }.contains("has its part for testing"))
  }

  @Test func theTrainingPartOfPictures() throws {
    let image = try File.contents(of: golden("images/color.png", of: "DLFormatsTests"))
    for path in ["train/cat", "train/dog", "test/cat"] {
      try File.makeFolder("\(folder.path)/in/\(path)")
      for number in 0..<4 { _ = try folder.write(image, to: "in/\(path)/\(number).png") }
    }
    let output = folder.path + "/out"
    var packer = ImagePacker()
    packer.split = SplitPlan(shares: [0.5, 0.5], isStratified: true)
    let files = try packer.pack(folder.path + "/in", output: output)
    #expect(names(files, in: output).sorted() == ["test", "train", "validation"])
    for file in files where !file.path.hasSuffix("/test.safetensors") {
      #expect(try integers(file, "y") == [0, 0, 1, 1])
    }
    packer.split = thirds
    #expect(
      refusal { _ = try packer.pack(folder.path + "/in", output: output) }.contains(
        "has a part test already"))
  }

  @Test func nodesOfAGraph() throws {
    let nodes = (0..<12).map { "\($0)\t\($0 % 3)\t-\t\($0)\n" }.joined()
    _ = try folder.write(nodes, to: "nodes.tsv")
    _ = try folder.write("0\t1\n", to: "edges.tsv")
    let output = folder.path + "/graph.safetensors"
    var plan = thirds
    plan.isStratified = true
    _ = try CoraPacker.pack(directory: folder.path, output: output, split: plan)
    let split = try SafetensorsFile(path: output).bytes("split")
    for (part, count) in [(UInt8(1), 6), (2, 3), (3, 3)] {
      let rows = split.indices.filter { split[$0] == part }
      #expect(rows.count == count && Set(rows.map { $0 % 3 }) == [0, 1, 2])
    }
    #expect(
      refusal {
        _ = try CoraPacker.pack(
          directory: folder.path, output: output, split: SplitPlan(folds: 2))
      }.contains("a graph is one file"))
  }
}
