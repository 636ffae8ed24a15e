import DLCore
import DLFormats

/// Tokens that stand in a text by themselves, such as `[MASK]`; the `added_tokens` of a
/// `tokenizer.json`.
struct AddedTokens {
  /// A token that was added to the pieces.
  struct Token {
    let text: String
    let number: Int32
    let isSpecial: Bool
    /// True if it is sought in the normalized text.
    let isNormalized: Bool
    fileprivate let isSingleWord: Bool
    fileprivate let takesSpaceBefore: Bool
    fileprivate let takesSpaceBehind: Bool
  }

  /// Part of a text: a token, or what is to be cut further.
  enum Part {
    case token(Int32)
    case text(ArraySlice<Unicode.Scalar>)
  }

  /// The tokens sought, by the node of the trie at which they end.
  private var ends: [Int: Token] = [:]
  /// The node that follows a node by a scalar: `node << 21 | scalar`.
  private var children: [Int: Int] = [:]

  /// Reads the list.
  ///
  /// - Throws: `FormatError`.
  static func read(_ fields: TokenizerFields) throws -> [Token] {
    guard fields.part("added_tokens") != nil else { return [] }
    return try fields.parts("added_tokens").map { fields in
      guard let text = try fields.text("content"), !text.isEmpty else {
        throw fields.fault("has no \"content\"")
      }
      return Token(
        text: text, number: try fields.number(fields.json["id"], of: text),
        isSpecial: try fields.flag("special", false),
        isNormalized: try fields.flag("normalized", true),
        isSingleWord: try fields.flag("single_word", false),
        takesSpaceBefore: try fields.flag("lstrip", false),
        takesSpaceBehind: try fields.flag("rstrip", false))
    }
  }

  /// Seeks tokens by their text as `change` makes it.
  init(_ tokens: [Token], change: (ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar>) {
    var count = 1
    for token in tokens {
      var node = 0
      for scalar in change(Array(token.text.unicodeScalars)[...]) {
        let key = node << 21 | Int(scalar.value)
        if let child = children[key] {
          node = child
        } else {
          children[key] = count
          node = count
          count += 1
        }
      }
      if node > 0, ends[node] == nil { ends[node] = token }
    }
  }

  /// The parts of a text; from the left on the longest token that fits.
  func parts(_ text: ArraySlice<Unicode.Scalar>) -> [Part] {
    guard !ends.isEmpty else { return text.isEmpty ? [] : [.text(text)] }
    var parts: [Part] = []
    var (done, place) = (text.startIndex, text.startIndex)
    while place < text.endIndex {
      guard let (token, end) = match(text[place...]) else {
        place += 1
        continue
      }
      let (start, stop) = (place, end)
      place = end
      if token.isSingleWord,
        text[..<start].last?.isWord == true || text[stop...].first?.isWord == true
      {
        continue
      }
      var (from, to) = (start, stop)
      if token.takesSpaceBefore {
        while from > done, text[from - 1].isUnicodeSpace { from -= 1 }
      }
      if token.takesSpaceBehind {
        to = text[stop...].firstIndex { !$0.isUnicodeSpace } ?? text.endIndex
      }
      if done < from { parts.append(.text(text[done..<from])) }
      parts.append(.token(token.number))
      (done, place) = (to, to)
    }
    if done < text.endIndex { parts.append(.text(text[done...])) }
    return parts
  }

  /// The longest token at the beginning, and where it ends.
  private func match(_ text: ArraySlice<Unicode.Scalar>) -> (Token, Int)? {
    var (node, found) = (0, nil as (Token, Int)?)
    for index in text.indices {
      guard let child = children[node << 21 | Int(text[index].value)] else { break }
      node = child
      if let token = ends[node] { found = (token, index + 1) }
    }
    return found
  }
}
