import DLCore
import DLFormats

/// One token for each word between white space, numbered from the most frequent one on.
///
/// Token 0 fills rows up, 1 stands for every word that is not in the vocabulary.
package struct WordTokenizer: RowTokenizer {
  static let kind = "words"
  /// The token that rows are filled up with: 0.
  package static let padding: Int32 = 0
  /// The token of a word that is not known: 1.
  package static let unknown: Int32 = 1
  static let special = ["<pad>", "<unk>"]
  /// The first token that is a word.
  package static var firstWord: Int { special.count }

  package var padding: Int32 { Self.padding }

  /// The words by their numbers; the first two are special.
  package let vocabulary: [String]
  /// The number of times that each occurs in the text that they were taken from, a word that is not
  /// known included; nil where that was not kept.
  package let counts: [Int]?
  private let numbers: [ScalarString: Int32]

  /// The number of words, the two special ones included.
  package var count: Int { vocabulary.count }

  /// The words that occur at least `minimumCount` times, the most frequent first and equally frequent
  /// ones in the order of their scalars; at most `limit` of them.
  ///
  /// What a text spells as a special token is none, and is not known.
  ///
  /// - Parameter keepsCounts: whether the tokenizer goes on to tell how often words occur.
  package init(
    counting sentences: some Sequence<[Substring]>, minimumCount: Int = 1, limit: Int = .max,
    keepsCounts: Bool = false
  ) {
    var counts: [ScalarString: Int] = [:]
    for sentence in sentences {
      for word in sentence { counts[ScalarString(word), default: 0] += 1 }
    }
    let total = counts.values.reduce(0, +)
    for word in Self.special { counts[ScalarString(word)] = nil }
    let ranked = counts.filter { $0.value >= minimumCount }
      .sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    // Words must not keep the whole text in memory that they are parts of.
    let taken = ranked.prefix(limit)
    let known = taken.map(\.value)
    self.init(
      words: taken.map(\.key.description),
      counts: keepsCounts ? [0, total - known.reduce(0, +)] + known : nil)
  }

  private init(words: [String], counts: [Int]?) {
    vocabulary = Self.special + words
    self.counts = counts
    numbers = Dictionary(
      words.enumerated().map { (ScalarString($1), Int32(Self.special.count + $0)) },
      uniquingKeysWith: { first, _ in first })
  }

  init(json: JSON, file: String) throws {
    let words = try TokenizerFile.strings("vocabulary", json, file: file)
    guard words.starts(with: Self.special, by: { $0.hasScalars(of: $1) }),
      Set(words.map { ScalarString($0) }).count == words.count
    else {
      throw FormatError(
        .content, file: file, "has a tokenizer of repeated words, or without <pad> and <unk>",
        advice: "pack it anew")
    }
    var counts: [Int]?
    if let list = json["counts"] {
      counts = list.array?.compactMap(\.int)
      guard counts?.count == words.count, counts?.allSatisfy({ $0 >= 0 }) == true else {
        throw FormatError(
          .content, file: file, "has a tokenizer whose counts are not those of its words",
          advice: "pack it anew")
      }
    }
    self.init(words: Array(words.dropFirst(Self.special.count)), counts: counts)
  }

  /// The token of a word.
  package func token(_ word: Substring) -> Int32 { numbers[ScalarString(word)] ?? Self.unknown }

  /// The tokens of the words between white space.
  ///
  /// - Throws: nothing.
  package func encode(_ text: String) throws -> [Int32] { text.words().map { token($0) } }

  /// The tokens of the words of each text.
  package func rows(_ texts: [Substring], length: Int?) -> [[Int32]] {
    texts.map { $0.words().map { token($0) } }
  }

  /// The words with a blank between them; padding is left out.
  ///
  /// - Throws: `DataError` for a number that is no token.
  package func decode(_ tokens: [Int32]) throws -> String {
    try tokens.filter { $0 != Self.padding }.map { token in
      guard vocabulary.indices.contains(Int(token)) else {
        throw DataError("token \(token) is none of the \(count)", exitCode: .data)
      }
      return vocabulary[Int(token)]
    }.joined(separator: " ")
  }

  /// The words in their order.
  package var json: JSON {
    .object(
      [
        .init("kind", .string(Self.kind)),
        .init("vocabulary", .array(vocabulary.map { .string($0) })),
      ] + (counts.map { [.init("counts", .array($0.map { .integer($0) }))] } ?? []))
  }

  /// A blank.
  package var separator: String { " " }
}
