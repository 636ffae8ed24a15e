import DLCore
import DLFormats

/// The way from tokens back to text; the `decoder` of a `tokenizer.json`.
enum TokenJoiner {
  /// With a blank between them.
  case blanks
  case bytes
  case wordPieces(prefix: String, cleans: Bool)

  /// Reads the part.
  ///
  /// - Throws: `FormatError` for a kind that is not known.
  init(_ fields: TokenizerFields?) throws {
    guard let fields else {
      self = .blanks
      return
    }
    switch fields.type {
    case "ByteLevel": self = .bytes
    case "WordPiece":
      self = .wordPieces(
        prefix: try fields.text("prefix") ?? "##", cleans: try fields.flag("cleanup", true))
    default: throw fields.unread
    }
  }

  /// The text of tokens.
  func callAsFunction(_ tokens: [String]) -> String {
    switch self {
    case .blanks: return tokens.joined(separator: " ")
    case .bytes:
      return String(decoding: tokens.flatMap { ByteLetters.bytes(of: $0) }, as: UTF8.self)
    case .wordPieces(let prefix, let cleans):
      var text = ""
      for (place, token) in tokens.enumerated() {
        var piece = token
        if place > 0 {
          piece =
            !prefix.isEmpty && token.begins(with: prefix)
            ? String(token.unicodeScalars.dropFirst(prefix.unicodeScalars.count)) : " " + token
        }
        text += cleans ? Self.cleaned(piece) : piece
      }
      return text
    }
  }

  /// The gaps that the library closes up, in its order.
  private static let closed = [
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
    (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
  ]

  private static func cleaned(_ piece: String) -> String {
    guard piece.begins(with: " ") else { return piece }
    return closed.reduce(piece) { text, change in
      // A token has one blank at most, its first character.
      text.begins(with: change.0)
        ? change.1 + String(text.unicodeScalars.dropFirst(change.0.unicodeScalars.count)) : text
    }
  }
}
