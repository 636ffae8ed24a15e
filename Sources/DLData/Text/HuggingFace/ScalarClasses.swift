/// Scalars by the categories that Hugging Face's tokenizers goes by.
extension Unicode.Scalar {
  /// True if the scalar was known to Unicode 8, whose categories the library's normalizers have.
  private var isOfUnicode8: Bool { properties.age.map { $0.major <= 8 } ?? false }

  /// `\p{L}`: a letter.
  var isLetter: Bool {
    if isASCII { return (0x61...0x7a).contains(value | 0x20) }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
      return true
    default: return false
    }
  }

  /// `\p{N}`: a number.
  var isNumber: Bool {
    if isASCII { return (0x30...0x39).contains(value) }
    switch properties.generalCategory {
    case .decimalNumber, .letterNumber, .otherNumber: return true
    default: return false
    }
  }

  /// `\w`: part of a word.
  var isWord: Bool {
    if isASCII { return isLetter || isNumber || self == "_" }
    switch properties.generalCategory {
    case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark:
      return true
    default: return properties.isAlphabetic
    }
  }

  /// `\s`: white space of Unicode.
  var isUnicodeSpace: Bool {
    isASCII ? value == 0x20 || (9...13).contains(value) : properties.isWhitespace
  }

  /// True if BERT splits words at it, by itself: punctuation, and of ASCII all that is no letter,
  /// digit, blank or control character.
  var isBERTPunctuation: Bool {
    if isASCII { return (0x21...0x7e).contains(value) && !isLetter && !isNumber }
    switch properties.generalCategory {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return isOfUnicode8
    default: return false
    }
  }

  /// True if BERT's normalizer removes it: control, format and private characters, and the
  /// replacement character.
  var isBERTControl: Bool {
    switch value {
    case 9, 10, 13: return false
    case 0xfffd: return true
    default: break
    }
    switch properties.generalCategory {
    case .control: return true
    case .format, .privateUse: return isOfUnicode8
    default: return false
    }
  }

  /// True if the scalar is a nonspacing mark, as an accent is.
  var isAccent: Bool { properties.generalCategory == .nonspacingMark && isOfUnicode8 }

  /// True if BERT takes the scalar for a word of its own: an ideograph of Chinese.
  var isIdeograph: Bool {
    switch value {
    case 0x4e00...0x9fff, 0x3400...0x4dbf, 0x20000...0x2a6df, 0x2a700...0x2b81f,
      0x2b920...0x2ceaf, 0xf900...0xfaff, 0x2f800...0x2fa1f:
      true
    default: false
    }
  }
}
