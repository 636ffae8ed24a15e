import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// Texts are taken apart as Python's `str` is, by scalars (`scripts/golden/make_scalars.py`).
@Suite struct ScalarTextTests {
  let folder = TemporaryFolder()

  @Test func wordsAndTheirOrderArePythons() throws {
    let expected = try goldenJSON("scalars.json")
    let texts = try expected.get("texts").strings()
    let words = texts.map { $0.words().map { JSON.string(String($0)) } }
    #expect(try words.count == 6 && .array(words.map { .array($0) }) == expected.get("words"))
    let sorted = Set(texts.flatMap { $0.words() }.map { ScalarString($0) }).sorted()
    #expect(try .array(sorted.map { .string($0.description) }) == expected.get("sorted"))
    let spaces = (0...0x10ffff).compactMap { Unicode.Scalar($0 as UInt32) }
      .filter(\.isWhiteSpace).map { Int($0.value) }
    #expect(try spaces == expected.get("spaces").integers())
  }

  @Test func linesArePythons() throws {
    let expected = try goldenJSON("scalars.json")
    for (file, lines) in compared(
      try expected.get("files").list(), try expected.get("lines").list())
    {
      let path = try folder.write(try file.integers().map { UInt8($0) })
      let read = try TextFile.lines(of: path).map { JSON.string(String($0)) }
      #expect(.array(read) == lines)
    }
  }

  @Test func piecesAreHuggingFaces() throws {
    let expected = try goldenJSON("scalars.json")
    let texts = try expected.get("pairs").strings()
    let tokenizer = try BytePairLearner.learn(texts, size: 60)
    #expect(
      try .array(tokenizer.vocabulary.dropFirst(4).map { .string($0) }) == expected.get("pieces"))
    let again = try TokenizerFile.read(tokenizer.json.description, file: "it")
    for text in texts {
      let back = try again.decode(again.encode(text))
      #expect(back.hasScalars(of: text.words().joined(separator: " ")))
    }
  }

  @Test func bleuIsSacreBLEUs() throws {
    let expected = try goldenJSON("scalars.json")
    let result = try BLEU(
      try expected.get("candidates").strings(),
      references: try expected.get("references").strings().map { [$0] })
    #expect(try abs(result.score - expected.get("bleu").number()) < 1e-9)
  }

  @Test func whatATextSpellsAsASpecialTokenIsNone() throws {
    let text = "<s> <s> <s> </s> </s> </s> <unk> <unk> <unk>"
    let tokenizer = try BytePairLearner.learn([text], size: 60)
    let tokens = try tokenizer.encode(text)
    #expect(!tokens.contains { $0 < 4 })
    #expect(try tokenizer.decode(tokens) == text)
  }

  /// Earlier versions found the piece of a letter and its accent by canonical equivalence.
  @Test func tokenizersOfEarlierVersionsAreRead() throws {
    let text =
      #"{"kind":"bpe","vocabulary":["<pad>","<s>","</s>","<unk>","a","\u00e1","\u0301","\u2581","\u2581\u00e1"],"#
      + #""merges":[4,6,7,5]}"#
    let tokenizer = try TokenizerFile.read(text, file: "it")
    #expect(try tokenizer.encode("a\u{301}") == [8] && tokenizer.encode("\u{e1}") == [8])
  }

  /// The rows, vocabulary and target texts of two files, packed.
  private func packed(_ source: String, _ target: String, _ name: String) throws -> PackedFile {
    let paths = try [(source, "de"), (target, "en")].map {
      try folder.write(Array($0.0.utf8), to: "\(name).\($0.1)")
    }
    var packer = ParallelPacker()
    packer.vocabulary = 40
    return try packer.pack(
      [.init(source: paths[0], target: paths[1])], output: "\(folder.path)/out")[0]
  }

  @Test func lineEndsAndMarksMakeNoDifferenceToTranslations() throws {
    let (source, target) = ("ein Hund\nzwei Katzen\ndrei\n", "a dog\ntwo cats\nthree\n")
    let plain = try packed(source, target, "plain")
    #expect(plain.shape[0] == 3)
    let windows = source.split(separator: "\n").joined(separator: "\r\n")
    let old = source.split(separator: "\n").joined(separator: "\r")
    for (name, text) in [
      ("crlf", windows + "\r\n"), ("end", windows), ("cr", old), ("marked", "\u{feff}" + source),
    ] {
      for other in [target, target.split(separator: "\n").joined(separator: "\r\n")] {
        let file = try packed(text, other, name)
        #expect(
          try File.contents(of: file.path) == File.contents(of: plain.path), "\(name)")
      }
    }
    #expect(try ParallelText.targets(path: plain.path) == ["a dog", "two cats", "three"])
  }

  @Test func otherBreaksAreNoLineEnds() throws {
    let file = try packed("a\u{2028}b c\u{b}d\n\u{85}e\n", "x\u{c}y\nz\u{1c}\n", "breaks")
    #expect(file.shape[0] == 2)
    #expect(try ParallelText.targets(path: file.path) == ["x\u{c}y", "z\u{1c}"])
  }

  @Test func aTextIsReadWithoutItsMarkAndCarriageReturns() throws {
    let plain = try TextPacker.pack(
      folder.write(Array("one\ntwo\nthree\nfour\n".utf8), to: "a"), output: "\(folder.path)/a.out")
    let marked = try TextPacker.pack(
      folder.write(Array("\u{feff}one\r\ntwo\rthree\r\nfour\r\n".utf8), to: "b"),
      output: "\(folder.path)/b.out")
    for (one, other) in compared(plain, marked) {
      #expect(try File.contents(of: one.path) == File.contents(of: other.path))
    }
    let tokenizer = try TokenizerFile.read(path: plain[0].path)
    #expect(try tokenizer.encode("one\r\n") == tokenizer.encode("one\n"))
  }

  @Test func tablesOfSpreadsheetsAreRead() throws {
    try File.makeFolder("\(folder.path)/graph")
    _ = try folder.write(
      Array("\u{feff}#\u{301} node\r\n0\t1\ttrain\t0 2\r\n1\t0\tval\r\n".utf8),
      to: "graph/nodes.tsv")
    _ = try folder.write(Array("\u{feff}0\t1\r\n".utf8), to: "graph/edges.tsv")
    let graph = try CoraPacker.pack(
      directory: "\(folder.path)/graph", output: "\(folder.path)/graph.safetensors")
    #expect(graph.nodeCount == 2 && graph.edgeCount == 1 && graph.featureCount == 3)
  }

  @Test func otherEncodingsAreNamed() throws {
    let bytes: [UInt8] = [0xff, 0xfe] + Array("one\ntwo\n".utf8).flatMap { [$0, 0] }
    let path = try folder.write(bytes)
    #expect(
      refusal { _ = try TextPacker.pack(path, output: "\(folder.path)/out") }
        .contains("is UTF-16 text, not UTF-8 text, convert it by iconv -f utf-16 -t utf-8"))
  }
}
