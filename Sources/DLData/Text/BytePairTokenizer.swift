import DLCore
import DLFormats

/// Pieces of words by byte pair encoding over characters (Sennrich, Haddow, Birch 2016).
///
/// Text is split at white space as Python's `str.split()` does; each word begins with the mark `▁`, as in sentencepiece, and is
/// merged from characters (Unicode scalars) by the learned pairs, the earliest learned first; nothing
/// is normalized, so canonically equivalent characters are different ones. Characters that did not
/// occur in the training text become `<unk>`.
package struct BytePairTokenizer: Tokenizer {
  static let kind = "bpe"
  /// The mark at the beginning of a word, U+2581.
  package static let wordMark = String(wordMarkScalar)
  private static let wordMarkScalar: Unicode.Scalar = "\u{2581}"
  /// The token that fills rows up: 0.
  package static let padding: Int32 = 0
  /// The token before a sentence: 1.
  package static let begin: Int32 = 1
  /// The token behind a sentence: 2.
  package static let end: Int32 = 2
  /// The token of a character that is not known: 3.
  package static let unknown: Int32 = 3
  static let special = ["<pad>", "<s>", "</s>", "<unk>"]

  /// The pieces by their numbers; the first four are special.
  package let vocabulary: [String]
  /// The pairs of pieces in the order in which they were learned.
  package var merges: [(Int32, Int32)] { pairs.map { (Int32($0 >> 32), Int32($0 & 0xffff_ffff)) } }

  private let pairs: [UInt64]
  private let ranks: [UInt64: (rank: Int, piece: Int32)]
  private let characters: [Unicode.Scalar: Int32]

  package var marks: SentenceMarks? {
    SentenceMarks(padding: Self.padding, begin: Self.begin, end: Self.end)
  }

  /// The number of pieces.
  package var count: Int { vocabulary.count }

  /// Makes the tokenizer of pieces and pairs; nil where they do not fit.
  init?(vocabulary: [String], pairs: [UInt64]) {
    guard vocabulary.starts(with: Self.special) else { return nil }
    var numbers: [ScalarString: Int32] = [:]
    var equivalents: [String: Int32] = [:]
    var characters: [Unicode.Scalar: Int32] = [:]
    for (number, piece) in vocabulary.enumerated() {
      guard numbers.updateValue(Int32(number), forKey: ScalarString(piece)) == nil else {
        return nil
      }
      if !piece.utf8.allSatisfy({ $0 < 0x80 }) { equivalents[piece] = Int32(number) }
      let scalars = piece.unicodeScalars
      if scalars.count == 1, let first = scalars.first { characters[first] = Int32(number) }
    }
    var ranks: [UInt64: (rank: Int, piece: Int32)] = [:]
    for (rank, pair) in pairs.enumerated() {
      let (left, right) = (Int(pair >> 32), Int(pair & 0xffff_ffff))
      guard vocabulary.indices.contains(left), vocabulary.indices.contains(right),
        // Earlier versions took a letter and its accent for the piece of the letter with accent.
        let piece = numbers[ScalarString(vocabulary[left] + vocabulary[right])]
          ?? equivalents[vocabulary[left] + vocabulary[right]],
        ranks.updateValue((rank, piece), forKey: pair) == nil
      else { return nil }
    }
    self.vocabulary = vocabulary
    self.pairs = pairs
    self.ranks = ranks
    self.characters = characters
  }

  init(json: JSON, file: String) throws {
    let vocabulary = try TokenizerFile.strings("vocabulary", json, file: file)
    let numbers = json["merges"]?.array?.map { $0.int ?? -1 } ?? [-1]
    let areNumbers = numbers.count % 2 == 0 && numbers.allSatisfy { (0..<1 << 24).contains($0) }
    let pairs =
      !areNumbers
      ? []
      : stride(from: 0, to: numbers.count, by: 2).map {
        UInt64(numbers[$0]) << 32 | UInt64(numbers[$0 + 1])
      }
    guard areNumbers, let tokenizer = BytePairTokenizer(vocabulary: vocabulary, pairs: pairs) else {
      throw FormatError(
        .content, file: file, "has a damaged tokenizer", advice: "pack it anew")
    }
    self = tokenizer
  }

  /// The pieces and the pairs.
  package var json: JSON {
    .object([
      .init("kind", .string(Self.kind)),
      .init("vocabulary", .array(vocabulary.map { .string($0) })),
      .init(
        "merges",
        .array(pairs.flatMap { [.integer(Int($0 >> 32)), .integer(Int($0 & 0xffff_ffff))] })
      ),
    ])
  }

  /// The pieces of a text, without special tokens but `<unk>`.
  ///
  /// - Throws: nothing.
  package func encode(_ text: String) throws -> [Int32] {
    var known: [ScalarString: [Int32]] = [:]
    return encode(text, known: &known)
  }

  /// The pieces of each of several texts.
  ///
  /// - Throws: nothing.
  package func encode(each texts: [String]) throws -> [[Int32]] {
    var known: [ScalarString: [Int32]] = [:]
    return texts.map { encode($0, known: &known) }
  }

  /// The pieces of a text; `known` keeps those of words that were met before.
  func encode(_ text: String, known: inout [ScalarString: [Int32]]) -> [Int32] {
    var result: [Int32] = []
    for word in text.words().map({ ScalarString($0) }) {
      if let pieces = known[word] {
        result += pieces
      } else {
        let pieces = pieces(of: word.text)
        known[word] = pieces
        result += pieces
      }
    }
    return result
  }

  private func pieces(of word: Substring) -> [Int32] {
    var pieces = (Self.wordMark + word).unicodeScalars.map { characters[$0] ?? Self.unknown }
    while pieces.count > 1 {
      var best: (rank: Int, piece: Int32, pair: UInt64)?
      for index in 1..<pieces.count {
        let pair = UInt64(pieces[index - 1]) << 32 | UInt64(pieces[index])
        if let found = ranks[pair], found.rank < best?.rank ?? Int.max {
          best = (found.rank, found.piece, pair)
        }
      }
      guard let best else { break }
      BytePairLearner.merge(best.pair, into: best.piece, &pieces)
    }
    return pieces
  }

  /// The text of pieces; padding, begin and end are left out.
  ///
  /// - Throws: `DataError` for a number that is no piece.
  package func decode(_ tokens: [Int32]) throws -> String {
    var text = ""
    for token in tokens where token < 0 || token > Self.end {
      guard vocabulary.indices.contains(Int(token)) else {
        throw DataError("token \(token) is none of the \(count)", exitCode: .data)
      }
      text += vocabulary[Int(token)]
    }
    return text.parts(at: Self.wordMarkScalar, omittingEmpty: true).joined(separator: " ")
  }
}
