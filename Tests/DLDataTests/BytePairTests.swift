import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

@Suite struct BytePairTests {
  let folder = TemporaryFolder()

  @Test func learnsAndEncodesAsHuggingFace() throws {
    let expected = try goldenJSON("byte-pairs.json")
    let text = try expected.get("text").strings()
    let tokenizer = try BytePairLearner.learn(text, size: 300)
    #expect(try tokenizer.vocabulary == expected.get("vocabulary").strings())
    let merges = tokenizer.merges.map { left, right in
      [tokenizer.vocabulary[Int(left)], tokenizer.vocabulary[Int(right)]]
    }
    #expect(try merges == expected.get("merges").list().map { try $0.strings() })
    let unseen = try expected.get("unseen").strings()
    #expect(unseen.count > 40)
    for (line, codes) in compared(unseen, try expected.get("encoded").list()) {
      #expect(try tokenizer.encode(line).map(Int.init) == codes.integers())
    }
    let again = try TokenizerFile.read(tokenizer.json.description, file: "it")
    for line in text {
      let codes = try tokenizer.encode(line)
      #expect(try again.encode(line) == codes)
      #expect(try again.decode([1] + codes + [2, 0, 0]) == line)
    }
  }

  @Test func oddTextsComeBack() throws {
    let tokenizer = try BytePairLearner.learn(["a aa aaa aaaa aaaaa", "b ab ba"], size: 20)
    for text in ["aaaaaaaa baab", "", "   ", "b"] {
      let words = text.split(separator: " ").joined(separator: " ")
      #expect(try tokenizer.decode(tokenizer.encode(text)) == words)
    }
    #expect(try tokenizer.decode(tokenizer.encode("axb")) == "a<unk>b")
    #expect(try BytePairLearner.learn([""], size: 10).count == 5)
    #expect(throws: DataError.self) { try tokenizer.decode([99]) }
    #expect(throws: DataError.self) { try BytePairLearner.learn(["abc"], size: 7) }
    #expect(throws: DataError.self) { try BytePairLearner.learn(["abc"], size: .max) }
  }

  @Test func packsPairsOfFiles() throws {
    let train = try [("a b c\nb a\n", "train.de"), ("c b a\na b\n", "train.en")]
      .map { try folder.write($0, to: $1) }
    let test = try [("c", "test.de"), ("a a  a", "test.en")].map { try folder.write($0, to: $1) }
    var packer = ParallelPacker()
    packer.vocabulary = 8
    let pairs = [train, test].map { ParallelPacker.Pair(source: $0[0], target: $0[1]) }
    let output = "\(folder.path)/out"
    let files = try packer.pack(pairs, output: output)
    #expect(files.map(\.path) == ["train", "test"].map { "\(output)/\($0).safetensors" })
    let datasets = try files.map { try TensorFileDataset(path: $0.path) }
    #expect(datasets[0].count == 2 && datasets[1].count == 1)
    #expect(datasets[0].inputShape == datasets[1].inputShape)
    #expect(datasets[0].labelShape == datasets[1].labelShape && datasets[0].classCount == 8)
    let tokenizer = try TokenizerFile.read(path: files[1].path)
    let (x, y) = try read(datasets[0], [0])
    let (source, target) = (values(x, as: Int32.self), values(y, as: Int32.self))
    #expect(try tokenizer.decode(source) == "a b c" && tokenizer.decode(target) == "c b a")
    #expect(source.contains(2) && target.first == 1 && target.contains(2))
    let lengths = values(
      try SafetensorsFile(path: files[0].path).bytes("lengths"), as: Int32.self)
    #expect(Int(lengths[0]) == source.filter { $0 != 0 }.count)
    #expect(datasets[0].rowLengths == [max(lengths[0], lengths[1]), max(lengths[2], lengths[3])])
    #expect(try ParallelText.targets(path: files[1].path) == ["a a  a"])

    packer.tokenizer = files[0].path
    let again = try packer.pack([pairs[1]], output: "\(folder.path)/again")
    #expect(try TokenizerFile.read(path: again[0].path).json == tokenizer.json)
  }

  @Test func filesThatDoNotBelongTogetherAreErrors() throws {
    let one = try folder.write("a\nb\n", to: "x.de")
    let two = try folder.write("a\n", to: "x.en")
    let packer = ParallelPacker()
    func pack(_ pairs: [(String, String)]) -> String {
      refusal {
        _ = try packer.pack(
          pairs.map { .init(source: $0, target: $1) }, output: "\(folder.path)/out")
      }
    }
    #expect(pack([(one, two)]).contains("x.en: has 1 lines"))
    #expect(pack([(one, one), (one, one)]).contains("one name"))
    #expect(pack([]).contains("one name"))
    #expect(pack([(one, "\(folder.path)/none")]).contains("none"))
  }

  @Test(arguments: try goldenJSON("bleu.json").list())
  func bleuIsThatOfSacreBLEU(_ expected: JSON) throws {
    let tokenization = try #require(
      BLEU.Tokenization(rawValue: try expected.get("tokenize").text()))
    let result = try BLEU(
      try expected.get("candidates").strings(),
      references: try expected.get("references").list().map { try $0.strings() },
      tokenization: tokenization)
    let score = try expected.get("score").number()
    #expect(abs(result.score - score) < 1e-9)
    #expect(try abs(result.brevityPenalty - expected.get("bp").number()) < 1e-12)
    #expect(
      try [result.candidateLength, result.referenceLength] == expected.get("lengths").integers())
    for (value, other) in compared(result.precisions, try expected.get("precisions").numbers()) {
      #expect(abs(value - other) < 1e-9)
    }
  }

  @Test func bleuNeedsAReferenceForEach() {
    #expect(throws: DataError.self) { try BLEU(["a"], references: []) }
    #expect(throws: DataError.self) { try BLEU(["a"], references: [[]]) }
  }
}
