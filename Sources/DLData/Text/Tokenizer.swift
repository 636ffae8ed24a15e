import DLCore
import DLFormats

/// Turns text into numbers and back.
package protocol Tokenizer: Sendable {
  /// The number of different tokens.
  var count: Int { get }
  /// The tokens of a text.
  ///
  /// - Throws: `DataError` for text that it cannot express.
  func encode(_ text: String) throws -> [Int32]
  /// The text of tokens.
  ///
  /// - Throws: `DataError` for a number that is no token.
  func decode(_ tokens: [Int32]) throws -> String
  /// The text from which `TokenizerFile` makes the same tokenizer.
  var json: JSON { get }
  /// The text between those of two tokens, where texts are put together; nothing unless given.
  var separator: String { get }
  /// The tokens at the ends of a sentence and behind it; nil for a tokenizer that has none.
  var marks: SentenceMarks? { get }
  /// The tokens of each of several texts, as ``encode(_:)`` gives them.
  func encode(each texts: [String]) throws -> [[Int32]]
  /// The text of tokens that follow another.
  func decode(_ tokens: [Int32], after token: Int32) throws -> String
}

extension Tokenizer {
  /// Nothing.
  package var separator: String { "" }
  package var marks: SentenceMarks? { nil }

  /// The tokens of one text after the other.
  ///
  /// - Throws: what ``encode(_:)`` throws for the first text that it cannot express.
  package func encode(each texts: [String]) throws -> [[Int32]] { try texts.map { try encode($0) } }

  /// The text of tokens behind the separator.
  ///
  /// - Throws: `DataError` for a number that is no token.
  package func decode(_ tokens: [Int32], after token: Int32) throws -> String {
    separator + (try decode(tokens))
  }
}

/// The tokens that mark where a sentence begins and ends.
package struct SentenceMarks: Sendable, Hashable {
  /// Fills rows up behind a sentence.
  package let padding: Int32
  /// Stands before a sentence that is to be told.
  package let begin: Int32
  /// Stands behind a sentence.
  package let end: Int32
}

/// A tokenizer that makes rows of texts, which are filled up to one length.
package protocol RowTokenizer: Tokenizer {
  /// The token that rows are filled up with.
  var padding: Int32 { get }
  /// The tokens of rows; where they are to be cut to a length, what has to stay then stays.
  func rows(_ texts: [Substring], length: Int?) -> [[Int32]]
}

/// The keys under which a data set file keeps the tokenizer that its tokens were made by.
package enum TokenizerFile {
  /// The key of the metadata.
  package static let key = "tokenizer"

  /// The tokenizer of a data set file, or of a `tokenizer.json` of Hugging Face's.
  ///
  /// - Throws: a `FormatError` where the file has none, or a damaged one.
  package static func read(path: String) throws -> any Tokenizer {
    if try isJSON(path) { return try HuggingFaceTokenizer(path: path) }
    guard let text = try SafetensorsFile(path: path).metadata[key] else {
      throw FormatError(
        .content, file: path, "holds no tokenizer",
        advice: "name a file made by dltrain data pack text, parallel, sentences or conllu")
    }
    return try read(text, file: path)
  }

  /// Returns whether a file is JSON by its first bytes, and no data set file.
  static func isJSON(_ path: String) throws -> Bool {
    let head = try ByteHead.read(path)
    let first = (TextFile.hasMark(head) ? head.dropFirst(3) : head[...]).first { $0 > 0x20 }
    return !FileKind.isSafetensors(head) && first == UInt8(ascii: "{")
  }

  /// The tokenizer that a text of the metadata describes; `file` is for the fault's sake.
  ///
  /// - Throws: `FormatError` of content where it describes none, or one of an unknown kind.
  package static func read(_ text: String, file: String) throws -> any Tokenizer {
    let json = try JSON(parsing: text, file: file)
    switch json["kind"]?.string {
    case CharacterTokenizer.kind: return try CharacterTokenizer(json: json, file: file)
    case BytePairTokenizer.kind: return try BytePairTokenizer(json: json, file: file)
    case HuggingFaceTokenizer.kind: return try HuggingFaceTokenizer(json: json, file: file)
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
  ///
  /// - Throws: `DataError` for a character that is not known.
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
  ///
  /// - Throws: `DataError` for a number that is no token.
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
