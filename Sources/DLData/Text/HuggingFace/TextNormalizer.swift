@_spi(_Unicode) import Swift

/// The change of a text before it is cut into words; the `normalizer` of a `tokenizer.json`.
///
/// Characters younger than Unicode 8 are no punctuation, marks or format characters to BERT's
/// normalizer, and younger than Unicode 12 neither taken apart nor put together, as in Hugging Face's
/// tokenizers.
indirect enum TextNormalizer {
  case none
  case bert(cleans: Bool, ideographs: Bool, strips: Bool, lowercases: Bool)
  case lowercase
  case stripAccents
  case decompose
  case compose
  case sequence([TextNormalizer])

  /// Reads the part.
  ///
  /// - Throws: `FormatError` for a kind that is not known.
  init(_ fields: TokenizerFields?) throws {
    guard let fields else {
      self = .none
      return
    }
    switch fields.type {
    case "BertNormalizer":
      let lowercases = try fields.flag("lowercase", true)
      self = .bert(
        cleans: try fields.flag("clean_text", true),
        ideographs: try fields.flag("handle_chinese_chars", true),
        strips: try fields.flag("strip_accents", lowercases), lowercases: lowercases)
    case "Lowercase": self = .lowercase
    case "StripAccents": self = .stripAccents
    case "NFD": self = .decompose
    case "NFC": self = .compose
    case "Sequence":
      self = .sequence(try fields.parts("normalizers").map { try TextNormalizer($0) })
    default: throw fields.unread
    }
  }

  /// The changed text.
  func callAsFunction(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    switch self {
    case .none: return text
    case .lowercase: return Self.lowercased(text)
    case .stripAccents: return text.filter { !$0.isMark }[...]
    case .decompose: return Self.decomposed(text)
    case .compose: return Self.normalized(text) { Array($0._nfc) }
    case .sequence(let steps): return steps.reduce(text) { $1($0) }
    case .bert(let cleans, let ideographs, let strips, let lowercases):
      var text = text
      if cleans {
        text = text.compactMap { $0.isBERTControl ? nil : $0.isUnicodeSpace ? " " : $0 }[...]
      }
      if ideographs {
        text = text.flatMap { $0.isIdeograph ? [" ", $0, " "] : [$0] }[...]
      }
      if strips { text = Self.decomposed(text).filter { !$0.isAccent }[...] }
      return lowercases ? Self.lowercased(text) : text
    }
  }

  private static func string(_ text: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: text)
    return String(view)
  }

  private static func decomposed(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    normalized(text) { Array($0._nfd) }
  }

  /// A normal form of a text, in which scalars that the library does not know stay and part what is
  /// around them.
  private static func normalized(
    _ text: ArraySlice<Unicode.Scalar>, _ form: (String) -> [Unicode.Scalar]
  ) -> ArraySlice<Unicode.Scalar> {
    if text.allSatisfy(\.isASCII) { return text }
    var (result, rest): ([Unicode.Scalar], ArraySlice<Unicode.Scalar>) = ([], text)
    while !rest.isEmpty {
      let known = rest.prefix { $0.isASCII || $0.isKnown(to: 12) }
      result += form(string(known))
      rest = rest[known.endIndex...]
      if let other = rest.popFirst() { result.append(other) }
    }
    return result[...]
  }

  /// Each scalar in lower case by itself, whatever stands beside it.
  private static func lowercased(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    text.flatMap { $0.properties.lowercaseMapping.unicodeScalars }[...]
  }
}
