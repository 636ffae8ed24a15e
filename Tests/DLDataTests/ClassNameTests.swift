import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// Labels of files that have names for them: numbered by the names that the caller has.
@Suite struct ClassNameTests {
  let folder = TemporaryFolder()

  private func write(_ names: [String]?, _ labels: [Int32]) throws -> String {
    let path = "\(folder.path)/data.safetensors"
    try SafetensorsWriter.write(
      [
        tensor("x", .uint8, [labels.count, 1], [UInt8](repeating: 0, count: labels.count)),
        tensor("y", .int32, [labels.count], labels),
      ], metadata: names.map { ["class_names": ClassNames($0).text] } ?? [:], to: path)
    return path
  }

  private func open(
    _ names: [String]?, _ labels: [Int32], as others: [String], ignored: Int32? = nil
  ) throws -> TensorFileDataset {
    try TensorFileDataset(
      path: write(names, labels), classes: others.count, ignoredLabel: ignored,
      names: ClassNames(others), namesSource: "train")
  }

  private func labels(_ dataset: TensorFileDataset) throws -> [Int32] {
    values(try read(dataset, Array(0..<dataset.count)).y, as: Int32.self)
  }

  @Test func labelsFollowTheNames() throws {
    let fruit = ["apple", "banana", "cherry", "date"]
    let fewer = try open(["apple", "banana", "date"], [2, 0, 1, 2], as: fruit)
    #expect(fewer.classCount == 4)
    #expect(try labels(fewer) == [3, 0, 1, 3])
    #expect(values(try read(fewer, [3, 1]).y, as: Int32.self) == [3, 0])
    #expect(try labels(open(["date", "cherry", "banana", "apple"], [0, 3], as: fruit)) == [3, 0])
    #expect(try labels(open(fruit, [0, 3], as: fruit)) == [0, 3])
    #expect(try labels(open(nil, [0, 3], as: fruit)) == [0, 3])
    // A label that does not count is none of the names.
    #expect(
      try labels(open(["date", "apple"], [0, 255, 1], as: fruit, ignored: 255)) == [3, 255, 0])
  }

  @Test func moreClassesAreAcceptedWhereNoRowHasThem() throws {
    let more = ["apple", "banana", "cherry"]
    let dataset = try open(more, [2, 0, 2], as: ["cherry", "apple"])
    #expect(dataset.classCount == 2)
    #expect(try labels(dataset) == [0, 1, 0])
    #expect(
      refusal { _ = try open(more, [2, 0, 1], as: ["cherry", "apple"]) }.contains(
        "data.safetensors: row 2 has the class \"banana\", which train lacks"))
  }

  @Test func otherClassesAreNamed() {
    #expect(
      refusal { _ = try open(["a", "b", "c", "d", "e"], [0], as: ["a", "x"]) }.contains(
        "its classes are not those of train: it has \"b\", \"c\", \"d\" and 1 more, and lacks \"x\""
      ))
    #expect(
      refusal { _ = try open(["a", "b"], [2], as: ["b", "a"]) }.contains("row 0 has label 2"))
    // é as one character and as two: equal to Swift's ==, two folders to a file system.
    #expect(
      refusal { _ = try open(["caf\u{e9}"], [0], as: ["cafe\u{301}"]) }.contains("are not those"))
  }

  @Test(arguments: ["", "{}", "[1]", "\"a\"", "[\"a\",\"b\",\"a\"]"])
  func namesThatAreNone(_ text: String) throws {
    let path = "\(folder.path)/data.safetensors"
    try SafetensorsWriter.write(
      [tensor("x", .uint8, [1, 1], [UInt8(0)]), tensor("y", .int32, [1], [Int32(0)])],
      metadata: ["class_names": text], to: path)
    let fault = refusal { _ = try TensorFileDataset(path: path) }
    #expect(fault.contains("metadata: class_names"), "\(fault)")
  }

  @Test func columnsOfValuesCannotBeExchanged() throws {
    let path = "\(folder.path)/data.safetensors"
    try SafetensorsWriter.write(
      [tensor("x", .uint8, [1, 1], [UInt8(0)]), tensor("y", .float32, [1, 2], [Float(0), 1])],
      metadata: ["class_names": "[\"a\",\"b\"]"], to: path)
    func open(_ names: [String]) throws {
      _ = try TensorFileDataset(path: path, names: ClassNames(names), namesSource: "train")
    }
    try open(["a", "b"])
    #expect(refusal { try open(["b", "a"]) }.contains("the columns of y have other names"))
  }

  @Test func vocabularies() throws {
    func text(_ pieces: [String], kind: String = "characters", merges: [JSON]? = nil) -> String {
      var members: [JSON.Member] = [
        .init("kind", .string(kind)), .init("vocabulary", .array(pieces.map { .string($0) })),
      ]
      if let merges { members.append(.init("merges", .array(merges))) }
      return JSON.object(members).description
    }
    func difference(_ a: String, _ b: String) throws -> String? {
      try VocabularyComparison.difference(a, b, file: "a", source: "b")
    }
    let abc = text(["a", "b", "c"])
    #expect(try difference(abc, abc) == nil)
    #expect(try difference(abc, abc.replacing(",", with: " , ")) == nil)
    #expect(
      try difference(text(["a", "x", "c"]), abc) == "token 1 is \"x\" (U+78), there \"b\" (U+62)")
    #expect(
      try difference(text(["a", "b"]), abc)
        == "it has 2 tokens, there are 3: \"c\" (U+63) is only there")
    #expect(try difference(text(["\u{e9}"]), text(["e\u{301}"]))?.hasPrefix("token 0 is") == true)
    #expect(
      try difference(abc, text(["a", "b", "c"], kind: "bpe"))
        == "its tokens are characters, there bpe")
    #expect(
      try difference(
        text(["a"], kind: "bpe", merges: [0, 1]), text(["a"], kind: "bpe", merges: [1, 0]))
        == "its texts are cut into tokens by other merges")
    #expect(throws: FormatError.self) { try difference("{}", "{\"kind\":null}") }
  }
}
