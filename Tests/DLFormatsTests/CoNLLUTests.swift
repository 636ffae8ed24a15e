import DLCore
import DLFormats
import DLTestSupport
import Testing

/// Tagged sentences.
@Suite struct CoNLLUTests {
  let folder = TemporaryFolder()

  private static let text = """
    # sent_id = 1
    1\tvámonos\tir\tVERB\tV\t_\t0\troot\t_\t_

    # text = al mar .
    1-2\tal\t_\t_\t_\t_\t_\t_\t_\t_
    1\ta\ta\tADP\tIN\t_\t3\tcase\t_\t_
    2\tel\tel\tDET\tDT\t_\t3\tdet\t_\t_
    2.1\tgran\t_\tADJ\t_\t_\t_\t_\t_\t_
    3\t10 000\tmar\t_\tNN\t_\t0\troot\t_\t_
    4\t_\t_\tPUNCT\t.\t_\t3\tpunct\t_\t_

    """

  private func read(_ text: String, column: CoNLLUFile.Column = .upos) throws -> CoNLLUFile {
    try CoNLLUFile(path: folder.write(text, to: "file.conllu"), column: column)
  }

  private func tags(_ column: CoNLLUFile.Column) throws -> [[String?]] {
    try read(Self.text, column: column).sentences.map { $0.map { $0.tag?.description } }
  }

  @Test func wordsAndTags() throws {
    let sentences = try read(Self.text).sentences
    #expect(
      sentences.map { $0.map(\.form.description) } == [["vámonos"], ["a", "el", "10 000", "_"]])
    #expect(try tags(.upos) == [["VERB"], ["ADP", "DET", nil, "PUNCT"]])
    #expect(try tags(.xpos) == [["V"], ["IN", "DT", "NN", "."]])
    #expect(try tags(.deprel) == [["root"], ["case", "det", "root", "punct"]])
  }

  /// Line ends of Windows, empty lines more than due, and no empty line at the end.
  @Test func otherLineEnds() throws {
    let other = "\n\n" + Self.text.replacing("\n", with: "\r\n")
    #expect(try read(other).sentences == read(Self.text).sentences)
    #expect(try read(String(Self.text.dropLast(2))).sentences == read(Self.text).sentences)
  }

  @Test(arguments: [
    ("", "holds no sentences"), ("# only\n\n", "holds no sentences"),
    ("1\tword\n", "line 1 has 2 columns, a word of CoNLL-U has 10"),
    ("\n2\ta\ta\tX\tX\t_\t0\troot\t_\t_\n", "line 2 has the word 2 where 1 is due"),
    ("x\ta\ta\tX\tX\t_\t0\troot\t_\t_\n", "line 1 begins with \"x\""),
    ("1-\ta\ta\tX\tX\t_\t0\troot\t_\t_\n", "line 1 begins with \"1-\""),
    ("99999999999999999999\ta\ta\tX\tX\t_\t0\troot\t_\t_\n", "line 1 begins with"),
    ("1\t\ta\tX\tX\t_\t0\troot\t_\t_\n", "line 1 has an empty column"),
  ])
  func faultsNameTheLine(_ text: String, _ fault: String) {
    #expect(refusal { _ = try read(text) }.contains(fault), "\(refusal { _ = try read(text) })")
  }

  @Test func everyCutAndEveryFlippedBitIsSentencesOrATypedError() throws {
    let bytes = Array(Self.text.utf8)
    for count in bytes.indices {
      let path = try folder.write(Array(bytes[..<count]))
      #expect(
        try formatError { _ = try CoNLLUFile(path: path) }.map { $0.exitCode == .data } ?? true)
    }
    for position in bytes.indices {
      for bit in 0..<8 {
        var damaged = bytes
        damaged[position] ^= 1 << bit
        let path = try folder.write(damaged)
        #expect(
          try formatError { _ = try CoNLLUFile(path: path) }.map { $0.exitCode == .data } ?? true)
      }
    }
  }
}
