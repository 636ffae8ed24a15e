/// The way of cutting a text into words, which tokens do not reach across; the `pre_tokenizer` of a
/// `tokenizer.json`.
indirect enum TextCutter {
  case none
  case bert
  case spaces
  case wordsAndSigns
  case punctuation
  case digits(each: Bool)
  case bytes(addsSpace: Bool, cuts: Bool)
  case sequence([TextCutter])

  typealias Piece = ArraySlice<Unicode.Scalar>

  /// Reads the part.
  ///
  /// - Throws: `FormatError` for a kind that is not known.
  init(_ fields: TokenizerFields?) throws {
    guard let fields else {
      self = .none
      return
    }
    switch fields.type {
    case "BertPreTokenizer": self = .bert
    case "WhitespaceSplit": self = .spaces
    case "Whitespace": self = .wordsAndSigns
    case "Punctuation":
      guard try fields.text("behavior") ?? "Isolated" == "Isolated" else {
        throw fields.fault("\"behavior\" is not read but Isolated")
      }
      self = .punctuation
    case "Digits": self = .digits(each: try fields.flag("individual_digits", false))
    case "ByteLevel":
      self = .bytes(
        addsSpace: try fields.flag("add_prefix_space", true),
        cuts: try fields.flag("use_regex", true))
    case "Sequence":
      self = .sequence(try fields.parts("pretokenizers").map { try TextCutter($0) })
    default: throw fields.unread
    }
  }

  /// True if words are written in letters that stand for bytes.
  var isOfBytes: Bool {
    switch self {
    case .bytes: true
    case .sequence(let steps): steps.contains { $0.isOfBytes }
    default: false
    }
  }

  /// The words of a text.
  func callAsFunction(_ text: Piece) -> [Piece] {
    switch self {
    case .none: return text.isEmpty ? [] : [text]
    case .spaces: return text.split(whereSeparator: \.isUnicodeSpace)
    case .bert:
      return text.split(whereSeparator: \.isUnicodeSpace).flatMap { word in
        Self.runs(word) { $0.isBERTPunctuation ? nil : 0 }
      }
    case .punctuation: return Self.runs(text) { $0.isBERTPunctuation ? nil : 0 }
    case .digits(let each): return Self.runs(text) { !$0.isNumber ? 0 : each ? nil : 1 }
    case .wordsAndSigns:
      return text.split(whereSeparator: \.isUnicodeSpace).flatMap { word in
        Self.runs(word) { $0.isWord ? 1 : 0 }
      }
    case .bytes(let addsSpace, let cuts):
      var text = text
      if addsSpace, !text.isEmpty, text.first != " " { text = [" "] + text }
      let words = cuts ? GPT2Words.cut(text) : text.isEmpty ? [] : [text]
      return words.map { ByteLetters.write($0) }
    case .sequence(let steps):
      return steps.reduce([text]) { pieces, step in pieces.flatMap { step($0) } }
    }
  }

  /// Runs of neighbors of one kind; a scalar of the kind nil is a piece by itself.
  private static func runs(_ text: Piece, kind: (Unicode.Scalar) -> Int?) -> [Piece] {
    var pieces: [Piece] = []
    var start = text.startIndex
    var last: Int?
    for index in text.indices {
      let kind = kind(text[index])
      if index > start, kind == nil || kind != last {
        pieces.append(text[start..<index])
        start = index
      }
      last = kind
    }
    if start < text.endIndex { pieces.append(text[start...]) }
    return pieces
  }
}

/// The words that GPT-2's byte pairs do not reach across.
///
/// Those of the regular expression
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` (Radford et al. 2019).
enum GPT2Words {
  private enum Kind { case letter, number, space, sign }

  private static func kind(_ scalar: Unicode.Scalar) -> Kind {
    if scalar.isLetter { return .letter }
    if scalar.isNumber { return .number }
    return scalar.isUnicodeSpace ? .space : .sign
  }

  /// The words; together they are the whole text.
  static func cut(_ text: ArraySlice<Unicode.Scalar>) -> [ArraySlice<Unicode.Scalar>] {
    var words: [ArraySlice<Unicode.Scalar>] = []
    var start = text.startIndex
    while start < text.endIndex {
      let end = self.end(of: start, in: text)
      words.append(text[start..<end])
      start = end
    }
    return words
  }

  private static func end(of start: Int, in text: ArraySlice<Unicode.Scalar>) -> Int {
    let rest = text[start...]
    if rest.first == "'" {
      switch rest.dropFirst().first {
      case "s", "t", "m", "d": return start + 2
      case "r" where rest.dropFirst(2).first == "e", "v" where rest.dropFirst(2).first == "e",
        "l" where rest.dropFirst(2).first == "l":
        return start + 3
      default: break
      }
    }
    let first = rest.first == " " ? start + 1 : start
    if first < text.endIndex {
      let kind = kind(text[first])
      if kind != .space {
        return text[first...].firstIndex { self.kind($0) != kind } ?? text.endIndex
      }
    }
    let end = rest.firstIndex { !$0.isUnicodeSpace } ?? text.endIndex
    // The last blank goes with the word behind it.
    return end < text.endIndex && end - start > 1 ? end - 1 : end
  }
}

/// GPT-2's writing of bytes as letters: printable characters of Latin-1 stand for themselves, the
/// other bytes for U+0100 on in their order.
enum ByteLetters {
  /// The letter of each byte.
  static let letters: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0..<256).map { (byte: UInt32) in
      switch byte {
      case 0x21...0x7e, 0xa1...0xac, 0xae...0xff: return Unicode.Scalar(UInt8(byte))
      default:
        defer { next += 1 }
        return Unicode.Scalar(next) ?? "\u{fffd}"
      }
    }
  }()
  private static let bytes = Dictionary(
    letters.enumerated().map { ($1, UInt8($0)) }, uniquingKeysWith: { first, _ in first })

  /// A text with a letter for each byte of its UTF-8.
  static func write(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.count)
    for scalar in text {
      for byte in UTF8.encode(scalar) ?? .init() { result.append(letters[Int(byte)]) }
    }
    return result[...]
  }

  /// The bytes of a token; those of its own UTF-8 where a letter stands for none.
  static func bytes(of token: String) -> [UInt8] {
    var result: [UInt8] = []
    for scalar in token.unicodeScalars {
      guard let byte = bytes[scalar] else { return Array(token.utf8) }
      result.append(byte)
    }
    return result
  }
}
