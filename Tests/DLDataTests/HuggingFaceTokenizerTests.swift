import DLCore
import DLFormats
import DLTestSupport
import Foundation
import Testing

import DLData

/// A `tokenizer.json` as Hugging Face's tokenizers reads it; golden values by that library.
@Suite struct HuggingFaceTokenizerTests {
  let folder = TemporaryFolder()
  private static let names = ["bpe", "roberta", "wordpiece", "wordpiece-cased"]

  private static func path(_ name: String) -> String { golden("tokenizer-\(name).json") }

  private static func numbers(_ json: JSON) -> [Int] { json.array?.compactMap(\.int) ?? [-1] }

  @Test(arguments: names) func numbersAndTextAreTheLibrarys(_ name: String) throws {
    let golden = try goldenJSON("tokenizers.json")
    let expected = try golden.get(name)
    let tokenizer = try HuggingFaceTokenizer(path: Self.path(name))
    #expect(tokenizer.count == expected["count"]?.int)
    let texts = try golden.get("texts").strings()
    #expect(texts.count > 100)
    let (begin, end) = (
      Self.numbers(try expected.get("begin")), Self.numbers(try expected.get("end"))
    )
    let decoded = try expected.get("decoded").strings()
    for (place, codes) in try expected.get("encoded").list().enumerated() {
      let (text, codes) = (texts[place], Self.numbers(codes))
      #expect(try tokenizer.encode(text).map(Int.init) == codes, "\(text.debugDescription)")
      let row = tokenizer.rows([text[...]], length: nil)[0]
      #expect(row.map(Int.init) == begin + codes + end)
      let back = try tokenizer.decode(row)
      #expect(back.hasScalars(of: decoded[place]), "\(back.debugDescription)")
      let cut = tokenizer.rows([text[...]], length: 5)[0]
      #expect(
        cut.map(Int.init) == begin + codes.prefix(5 - begin.count - end.count) + end)
    }
  }

  /// What the library (0.23) makes of characters whose categories or forms have changed with Unicode's
  /// versions, each between an a and a b.
  @Test func agesOfCharactersAreTheLibrarys() throws {
    func pieces(_ normalizer: String, _ text: String) throws -> String {
      let words = [
        "[PAD]", "[UNK]", "a", "b", "ab", "a\u{93f}b", "a\u{1885}b", "a\u{1734}b", "a\u{11938}b",
        "\u{166d}", "\u{111c9}", "a\u{105c9}b", "a\u{1cf2}b",
      ]
      let vocabulary = words.enumerated().map { "\"\($1)\": \($0)" }
      let json = """
        {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
         "normalizer": \(normalizer), "pre_tokenizer": {"type": "BertPreTokenizer"},
         "post_processor": null, "decoder": null,
         "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                   "max_input_chars_per_word": 100, "vocab": {\(vocabulary.joined(separator: ", "))}}}
        """
      let tokenizer = try HuggingFaceTokenizer(path: folder.write(Array(json.utf8)))
      return try tokenizer.encode(text).map { words[Int($0)] }.joined(separator: " ")
    }
    let bert = """
      {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
       "strip_accents": null, "lowercase": true}
      """
    let stripped = """
      {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}]}
      """
    for (normalizer, scalar, expected) in [
      (bert, "\u{93f}", "a\u{93f}b"), (stripped, "\u{93f}", "ab"),
      (bert, "\u{301}", "ab"), (stripped, "\u{301}", "ab"),
      (bert, "\u{1885}", "a\u{1885}b"), (stripped, "\u{1885}", "ab"),
      (bert, "\u{1734}", "ab"), (stripped, "\u{1734}", "ab"),
      (bert, "\u{166d}", "a \u{166d} b"), (bert, "\u{111c9}", "a \u{111c9} b"),
      (bert, "\u{11938}", "a\u{11938}b"), (stripped, "\u{11938}", "a\u{11938}b"),
      (bert, "\u{105c9}", "a\u{105c9}b"), (stripped, "\u{1cf2}", "ab"),
      (bert, "\u{1cf2}", "a\u{1cf2}b"),
    ] {
      let pieces = try pieces(normalizer, "a\(scalar)b")
      #expect(
        pieces.unicodeScalars.elementsEqual(expected.unicodeScalars),
        "\(scalar.unicodeScalars.map { String($0.value, radix: 16) }): \(pieces.debugDescription)")
    }
  }

  @Test(arguments: names) func travelsInMetadata(_ name: String) throws {
    let tokenizer = try HuggingFaceTokenizer(path: Self.path(name))
    let text = tokenizer.json.description
    let again = try TokenizerFile.read(text, file: "it")
    #expect(try again.encode("Köln isn't 漢字.") == tokenizer.encode("Köln isn't 漢字."))
    #expect(again.json == tokenizer.json && again.marks == tokenizer.marks)
    let other = try TokenizerFile.read(path: Self.path(name == "bpe" ? "roberta" : "bpe"))
    let difference = try VocabularyComparison.difference(
      text, other.json.description, file: "a", source: "b")
    #expect(difference?.contains("token") == true)
    #expect(
      try VocabularyComparison.difference(text, text + " ", file: "a", source: "b") == nil)
  }

  /// Text that comes in pieces, as generation writes it, is the text of all.
  @Test func piecesJoin() throws {
    for name in Self.names {
      let tokenizer = try HuggingFaceTokenizer(path: Self.path(name))
      let tokens = try tokenizer.encode("The quick brown fox isn't a lazy alepou.")
      let text =
        try tokenizer.decode([tokens[0]])
        + zip(tokens, tokens.dropFirst()).map { try tokenizer.decode([$1], after: $0) }.joined()
      #expect(try text == tokenizer.decode(tokens))
    }
  }

  @Test func aLongWordIsNotQuadratic() throws {
    let tokenizer = try HuggingFaceTokenizer(path: Self.path("bpe"))
    let word = String(repeating: "abcdefgh", count: 4000)
    #expect(try tokenizer.decode(tokenizer.encode(word)) == word)
  }

  @Test func packsByIt() throws {
    let text = try folder.write(
      "The fox, \nthe dog and the Köln fox again and again.\n", to: "t.txt")
    let parts = try TextPacker.pack(
      text, output: folder.path + "/text", split: SplitPlan(shares: [0.5, 0.5]),
      like: Self.path("bpe"))
    let tokens = try parts.flatMap {
      values(try SafetensorsFile(path: $0.path).bytes("tokens"), as: Int32.self)
    }
    #expect(
      try TokenizerFile.read(path: parts[1].path).decode(tokens)
        == "The fox, \nthe dog and the Köln fox again and again.\n")

    let labelled = try folder.write(
      "a\tThe fox!\nb\tdogs are asleep\na\tfox\nb\tdog\n", to: "l.tsv")
    var packer = SentencePacker()
    packer.tokenizer = Self.path("wordpiece")
    packer.length = 6
    packer.split.shares = [0.5, 0.5]
    let files = try packer.pack([labelled], output: folder.path + "/sentences")
    let file = try SafetensorsFile(path: files[0].path)
    let x = values(try file.bytes("x"), as: Int32.self)
    #expect(x.count == 12 && x[0] == 2 && x[6] == 2 && x.contains(3))
    packer = SentencePacker()
    packer.like = files[0].path
    let more = try packer.pack([labelled], output: folder.path + "/more.safetensors")
    #expect(more[0].shape == [4, 6])

    let pair = ParallelPacker.Pair(source: text, target: text)
    var parallel = ParallelPacker()
    parallel.tokenizer = Self.path("wordpiece")
    let packed = try parallel.pack([pair], output: folder.path + "/p")
    let y = values(try SafetensorsFile(path: packed[0].path).bytes("y"), as: Int32.self)
    #expect(y[0] == 2 && y.contains(3))
    parallel.tokenizer = Self.path("bpe")
    let fault = refusal { _ = try parallel.pack([pair], output: folder.path + "/q") }
    #expect(fault.contains("without tokens for padding"), "\(fault)")
  }

  /// What would give other numbers than the library's is refused, by its place.
  @Test(arguments: [
    (#""BertPreTokenizer""#, #""Metaspace""#, "pre_tokenizer: the type \"Metaspace\""),
    (#""BertNormalizer""#, #""Precompiled""#, "normalizer: the type \"Precompiled\""),
    (#""type":"WordPiece","unk"#, #""type":"Unigram","unk"#, "model: the type \"Unigram\""),
    (#""[UNK]":1"#, #""[UNK]":0"#, "two tokens have one number"),
    (#""[UNK]":1"#, #""[UNK]":-1"#, "has no number"),
    (#""[UNK]":1"#, #""[UNK]":16777215"#, "up to 16777215"),
    (#""unk_token":"[UNK]""#, #""unk_token":"[NONE]""#, "no token \"[NONE]\""),
    (#""id":4,"content":"[MASK]""#, #""id":4,"content":"[CLS]""#, "another token's"),
    (#""ids":[3]"#, #""ids":[9999]"#, "vocabulary lacks"),
  ])
  func otherKindsAreRefused(_ old: String, _ new: String, _ what: String) throws {
    let text = try String(contentsOfFile: Self.path("wordpiece"), encoding: .utf8)
    #expect(text.contains(old))
    let path = try folder.write(text.replacingOccurrences(of: old, with: new), to: "t.json")
    let fault = refusal { _ = try HuggingFaceTokenizer(path: path) }
    #expect(fault.contains(what) && !fault.contains("\n"), "\(fault)")
  }

  /// Cut, flipped and grown files are read or refused in one line, and what is read encodes.
  @Test func damagedFilesAreOneLine() throws {
    var draws = Numbers(seed: 5)
    for name in ["roberta", "wordpiece"] {
      let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.path(name))))
      // The vocabulary alone would take most of the changes.
      let json = try JSON(parsing: String(decoding: whole, as: UTF8.self), file: name)
      let bytes = Array(Self.shortened(json).description.utf8)
      var refused = 0
      for _ in 0..<1500 {
        var damaged = bytes
        switch draws.below(3) {
        case 0: damaged.removeLast(draws.below(bytes.count))
        case 1:
          for _ in 0...draws.below(3) {
            let place = draws.below(bytes.count)
            damaged[place] = UInt8(draws.below(256))
          }
        default:
          let place = draws.below(bytes.count)
          let piece = damaged[place..<min(place + 40, bytes.count)]
          damaged.insert(contentsOf: piece, at: draws.below(bytes.count))
        }
        do {
          let text = try TextFile.text(decoding: damaged, file: "it")
          let tokenizer = try HuggingFaceTokenizer(
            json: .object([.init("tokenizer", JSON(parsing: text, file: "it"))]), file: "it")
          let tokens = try tokenizer.encode("The fox <mask> isn't [MASK] é漢.")
          #expect(tokens.allSatisfy { (0..<tokenizer.count).contains(Int($0)) })
          _ = try tokenizer.decode(tokens)
        } catch let error as FormatError {
          refused += 1
          #expect(!error.description.contains("\n"))
        }
      }
      #expect(refused > 500)
    }
  }

  /// The file with the first pieces of its vocabulary.
  private static func shortened(_ json: JSON) -> JSON {
    .object(
      (json.members ?? []).map { member in
        guard member.key == "model", let model = member.value.members else { return member }
        let parts = model.map { part -> JSON.Member in
          switch part.key {
          case "vocab":
            let kept = (part.value.members ?? []).filter {
              ($0.value.int ?? 0) < 40 || $0.key.unicodeScalars.count == 1
            }
            return .init("vocab", .object(kept))
          case "merges": return .init("merges", .array([]))
          default: return part
          }
        }
        return .init("model", .object(parts))
      })
  }
}
