import DLCore
import DLFormats

/// Turns text into numbers and back.
package protocol Tokenizer: Sendable {
  /// The number of different tokens.
  var count: Int { get }
  /// The tokens of a text; throws `DataError` for text that it cannot express.
  func encode(_ text: String) throws -> [Int32]
  /// The text of tokens; throws `DataError` for a number that is no token.
  func decode(_ tokens: [Int32]) throws -> String
  /// What `TokenizerFile` makes the same tokenizer from.
  var json: JSON { get }
  /// What stands between the texts of two tokens, where texts are put together; nothing unless given.
  var separator: String { get }
}

extension Tokenizer {
  /// Nothing.
  package var separator: String { "" }
}

/// Where a data set file keeps the tokenizer that its tokens were made by.
package enum TokenizerFile {
  /// The key of the metadata.
  package static let key = "tokenizer"

  /// The tokenizer of a data set file.
  ///
  /// Throws a `FormatError` where the file has none, or a damaged one.
  package static func read(path: String) throws -> any Tokenizer {
    guard let text = try SafetensorsFile(path: path).metadata[key] else {
      throw FormatError(
        .content, file: path, "holds no tokenizer",
        advice: "name a file made by dltrain data pack text, parallel, sentences or conllu")
    }
    return try read(text, file: path)
  }

  /// The tokenizer that a text of the metadata describes; `file` is for the fault's sake.
  package static func read(_ text: String, file: String) throws -> any Tokenizer {
    let json = try JSON(parsing: text, file: file)
    switch json["kind"]?.string {
    case CharacterTokenizer.kind: return try CharacterTokenizer(json: json, file: file)
    case BytePairTokenizer.kind: return try BytePairTokenizer(json: json, file: file)
    case WordTokenizer.kind: return try WordTokenizer(json: json, file: file)
    default:
      throw FormatError(
        .content, file: file, "holds an unknown kind of tokenizer", advice: "pack it anew")
    }
  }

  /// The list of strings under a key.
  static func strings(_ key: String, _ json: JSON, file: String) throws -> [String] {
    let list = json[key]?.array?.map(\.string)
    guard let list, !list.contains(nil), list.count < 1 << 24 else {
      throw FormatError(
        .content, file: file, "has a tokenizer without a list of \(key)", advice: "pack it anew")
    }
    return list.compactMap { $0 }
  }
}

/// One token for each character (Unicode scalar), numbered in the order of their codes.
package struct CharacterTokenizer: Tokenizer, Hashable {
  static let kind = "characters"

  /// The characters by their numbers.
  package let characters: [Unicode.Scalar]
  private let numbers: [Unicode.Scalar: Int32]

  /// The number of different characters.
  package var count: Int { characters.count }

  /// The characters that occur in a text.
  package init(of text: String) { self.init(Set(text.unicodeScalars).sorted()) }

  private init(_ characters: [Unicode.Scalar]) {
    self.characters = characters
    numbers = Dictionary(
      characters.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { first, _ in first })
  }

  init(json: JSON, file: String) throws {
    let strings = try TokenizerFile.strings("vocabulary", json, file: file)
    let characters = strings.compactMap(\.unicodeScalars.first)
    guard strings.allSatisfy({ $0.unicodeScalars.count == 1 }),
      Set(characters).count == strings.count
    else {
      throw FormatError(
        .content, file: file, "has a tokenizer of repeated or longer characters",
        advice: "pack it anew")
    }
    self.init(characters)
  }

  /// The tokens of a text, of characters that are known.
  ///
  /// Where the training text had no carriage return, as none has that was packed with line ends read
  /// as Python reads them, line ends of Windows are `\n`.
  package func encode(_ text: String) throws -> [Int32] {
    let text = numbers["\r"] == nil ? TextFile.withPlainLineEnds(text) : text
    return try text.unicodeScalars.map { character in
      guard let number = numbers[character] else {
        throw DataError(
          "the character \"\(String(character))\" (U+\(String(character.value, radix: 16))) does not "
            + "occur in the training text, leave it out")
      }
      return number
    }
  }

  /// The text of tokens.
  package func decode(_ tokens: [Int32]) throws -> String {
    var text = String.UnicodeScalarView()
    for token in tokens {
      guard characters.indices.contains(Int(token)) else {
        throw DataError("token \(token) is none of the \(count)", exitCode: .data)
      }
      text.append(characters[Int(token)])
    }
    return String(text)
  }

  /// The characters in their order.
  package var json: JSON {
    .object([
      .init("kind", .string(Self.kind)),
      .init("vocabulary", .array(characters.map { .string(String($0)) })),
    ])
  }
}
