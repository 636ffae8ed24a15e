import DLCore
import DLFormats

/// A comparison of what the tokens of two files stand for.
package enum VocabularyComparison {
  /// The first difference between two tokenizers, both as the metadata holds them; nil where
  /// they turn every text into the same tokens.
  ///
  /// Pieces are compared by their bytes: what looks alike may be written by other characters.
  ///
  /// - Throws: a `FormatError` for what is no tokenizer.
  package static func difference(
    _ text: String, _ other: String, file: String, source: String
  ) throws -> String? {
    if text.utf8.elementsEqual(other.utf8) { return nil }
    let (mine, theirs) = (
      try JSON(parsing: text, file: file), try JSON(parsing: other, file: source)
    )
    let kinds = (mine["kind"]?.string ?? "none", theirs["kind"]?.string ?? "none")
    guard kinds.0 == kinds.1 else { return "its tokens are \(kinds.0), there \(kinds.1)" }
    let pieces = try (pieces(mine, file: file), pieces(theirs, file: source))
    for (number, (piece, other)) in zip(pieces.0, pieces.1).enumerated()
    where !piece.utf8.elementsEqual(other.utf8) {
      return "token \(number) is \(shown(piece)), there \(shown(other))"
    }
    let (count, others) = (pieces.0.count, pieces.1.count)
    if count != others {
      let first = count > others ? pieces.0[others] : pieces.1[count]
      let owner = count > others ? "here" : "there"
      return "it has \(count) tokens, there are \(others): \(shown(first)) is only \(owner)"
    }
    // What is left is how texts are cut into the pieces.
    for key in Set((mine.members ?? []).map(\.key) + (theirs.members ?? []).map(\.key)).sorted() {
      let values = [mine, theirs].map { Array(($0[key]?.description ?? "").utf8) }
      guard values[0] == values[1] else {
        return "its texts are cut into tokens by \(key == "merges" ? "other" : "another") \(key)"
      }
    }
    return nil
  }

  private static func pieces(_ json: JSON, file: String) throws -> [String] {
    json["kind"]?.string == HuggingFaceTokenizer.kind
      ? try HuggingFaceTokenizer(json: json, file: file).vocabulary
      : try TokenizerFile.strings("vocabulary", json, file: file)
  }

  private static func shown(_ piece: String) -> String {
    let codes = piece.unicodeScalars.prefix(4).map {
      "U+\(String($0.value, radix: 16, uppercase: true))"
    }
    return "\"\(piece.prefix(20))\" (\(codes.joined(separator: " ")))"
  }
}
