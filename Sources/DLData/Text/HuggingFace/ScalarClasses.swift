/// Scalars by the categories that Hugging Face's tokenizers goes by.
extension Unicode.Scalar {
  /// True if the scalar was known to Unicode 8, whose categories BERT's normalizer has.
  private var isOfUnicode8: Bool { isKnown(to: 8) }

  /// Returns whether a version of Unicode has the scalar.
  func isKnown(to version: Int) -> Bool { properties.age.map { $0.major <= version } ?? false }

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
    // What was punctuation in Unicode 8 and is a symbol or a mark since.
    if value == 0x166d || value == 0x111c9 { return true }
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

  /// True if the scalar is a nonspacing mark to BERT's normalizer, as an accent is.
  var isAccent: Bool {
    switch value {
    case 0x1734: return true  // A spacing mark since.
    case 0x1885, 0x1886, 0xa9bd, 0x111c9, 0x1171e: return false  // Something else in Unicode 8.
    default: return properties.generalCategory == .nonspacingMark && isOfUnicode8
    }
  }

  /// True if the normalizer `StripAccents` removes the scalar: a mark of any kind in Unicode 9, as are
  /// vowel signs of Devanagari.
  var isMark: Bool {
    switch value {
    case 0x1cf2, 0x1cf3: return true  // Letters since.
    case 0x111c9: return false  // Punctuation then.
    default: break
    }
    switch properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark: return isKnown(to: 9)
    default: return false
    }
  }

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
