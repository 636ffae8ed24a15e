import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// Tagged sentences as data sets.
@Suite struct TaggedPackTests {
  let folder = TemporaryFolder()

  /// Sentences of `word/TAG`, one a line, as a file of CoNLL-U.
  private func write(_ lines: String, to name: String) throws -> String {
    let text = lines.split(separator: "\n").map { line in
      line.split(separator: " ").enumerated().map { index, word in
        let parts = word.split(separator: "/")
        return "\(index + 1)\t\(parts[0])\t_\t\(parts[1])\tx\t_\t0\troot\t_\t_\n"
      }.joined() + "\n"
    }
    return try folder.write(text.joined(), to: name)
  }

  private func pack(
    _ parts: [(name: String, path: String)], _ configure: (inout TaggedPacker) -> Void = { _ in }
  ) throws -> [String] {
    var packer = TaggedPacker()
    configure(&packer)
    return try packer.pack(parts, output: "\(folder.path)/out").map(\.path)
  }

  private func integers(_ path: String, _ name: String) throws -> [Int32] {
    values(try SafetensorsFile(path: path).bytes(name), as: Int32.self)
  }

  @Test func wordsTagsAndLengths() throws {
    let train = try write("the/DET dog/NOUN barks/VERB\nthe/DET -/_", to: "train.conllu")
    let dev = try write("a/DET dog/X", to: "dev.conllu")
    let paths = try pack([("train", train), ("validation", dev)])
    #expect(try PackedWords(paths[0]).vocabulary == ["<pad>", "<unk>", "the", "-", "barks", "dog"])
    #expect(try integers(paths[0], "x") == [2, 5, 4, 2, 3, 0])
    // DET 0, NOUN 1, VERB 2, X 3; no tag and padding are -100.
    #expect(try integers(paths[0], "y") == [0, 1, 2, 0, -100, -100])
    #expect(try integers(paths[0], "lengths") == [3, 2])
    #expect(try integers(paths[1], "x") == [1, 5, 0] && integers(paths[1], "y") == [0, 3, -100])
    let file = try SafetensorsFile(path: paths[1])
    #expect(file.metadata["padding"] == "0")
    let dataset = try TensorFileDataset(path: paths[0], ignoredLabel: TaggedPacker.ignored)
    #expect(dataset.classNames?.names == ["DET", "NOUN", "VERB", "X"])
    #expect(dataset.classCount == 4 && dataset.labelShape == [3])
  }

  @Test func othersAreNumberedAlike() throws {
    let train = try pack([("train", write("b/B a/A b/B", to: "train.conllu"))]) {
      $0.minimumCount = 2
    }[0]
    let test = try write("a/A b/B b/A b/B", to: "test.conllu")
    let path = try pack([("sentences", test)]) { $0.like = train }[0]
    #expect(try integers(path, "x") == [1, 2, 2] && integers(path, "y") == [0, 1, 0])
    #expect(try integers(path, "lengths") == [3])
    let strange = try write("a/C", to: "new.conllu")
    #expect(
      refusal { _ = try pack([("sentences", strange)]) { $0.like = train } }
        .contains("has the class \"C\", which \(train) lacks"))
  }

  @Test func nothingToLearnIsTold() throws {
    let bare = try write("a/_ b/_", to: "bare.conllu")
    #expect(refusal { _ = try pack([("train", bare)]) }.contains("no word with upos"))
    #expect(try pack([("train", bare)]) { $0.column = .xpos }.count == 1)
  }

  /// Sentences as `grep -c '^$'` counts them, words as `grep -cP '^\d+\t'`.
  @Test(.needs(.partut))
  func packsParTUT() throws {
    let parts = ["train", "dev", "test"].map {
      (name: $0, path: "\(SharedData.partut.path)/\($0).conllu")
    }
    let paths = try pack(parts)
    for (path, counts) in compared(paths, [(1781, 43504), (156, 2722), (153, 3408)]) {
      let lengths = try integers(path, "lengths")
      #expect(lengths.count == counts.0 && lengths.reduce(0) { $0 + Int($1) } == counts.1)
      #expect(try TensorFileDataset(path: path, ignoredLabel: -100).classCount == 17)
    }
  }
}
