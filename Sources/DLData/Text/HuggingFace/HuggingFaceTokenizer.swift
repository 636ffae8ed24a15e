import DLCore
import DLFormats

/// A `tokenizer.json` of Hugging Face's tokenizers: byte-level byte pairs as of GPT-2, or WordPiece as
/// of BERT.
///
/// The numbers are those that the library gives, and so is the text of numbers. A file with a part
/// that is not known is refused, for its tokens would be others.
package struct HuggingFaceTokenizer: RowTokenizer {
  static let kind = "huggingface"
  /// The most tokens of a vocabulary.
  static let mostTokens = 1 << 24

  /// The tokens by their numbers; empty for a number that is none.
  package let vocabulary: [String]
  /// The number of tokens, one more than the greatest number.
  package var count: Int { vocabulary.count }
  /// The token that rows are filled up with: `[PAD]` or `<pad>`, else 0.
  package let padding: Int32
  package let marks: SentenceMarks?

  private let source: JSON
  private let special: Set<Int32>
  private let raw: AddedTokens
  private let normalized: AddedTokens
  private let normalizer: TextNormalizer
  private let cutter: TextCutter
  private let model: any PieceModel
  private let rowMarks: RowMarks
  private let joiner: TokenJoiner

  /// Reads a `tokenizer.json`.
  ///
  /// - Throws: `FormatError`.
  package init(path: String) throws {
    let text = try TextFile.text(of: path, limit: 1 << 28)
    try self.init(tokenizer: JSON(parsing: text, file: path), file: path)
  }

  /// Makes the tokenizer from the metadata of a data set file.
  ///
  /// - Throws: `FormatError` of content where it is damaged, or has a part that is not known.
  package init(json: JSON, file: String) throws {
    try self.init(tokenizer: json["tokenizer"] ?? .null, file: file)
  }

  private init(tokenizer: JSON, file: String) throws {
    let fields = TokenizerFields(json: tokenizer, file: file, place: "tokenizer")
    guard let part = fields.part("model") else { throw fields.fault("has no \"model\"") }
    switch part.type {
    case "BPE": model = try MergeModel(part)
    case "WordPiece": model = try WordPieceModel(part)
    // Earlier versions of the library wrote no type.
    case "" where part.json["merges"] != nil: model = try MergeModel(part)
    default: throw part.unread
    }
    let normalizer = try TextNormalizer(fields.part("normalizer"))
    self.normalizer = normalizer
    cutter = try TextCutter(fields.part("pre_tokenizer"))
    rowMarks = try RowMarks(fields.part("post_processor"))
    joiner = try TokenJoiner(fields.part("decoder"))
    let added = try AddedTokens.read(fields)
    vocabulary = try Self.vocabulary(model.numbers, added, fields)
    raw = AddedTokens(added.filter { !$0.isNormalized }) { $0 }
    self.normalized = AddedTokens(added.filter(\.isNormalized)) { normalizer($0) }
    special = Set(added.filter(\.isSpecial).map(\.number))
    source = tokenizer
    let numbers = model.numbers
    func named(_ names: [String]) -> Int32? {
      names.lazy.compactMap { name in
        added.first { $0.text.hasScalars(of: name) }?.number ?? numbers[ScalarString(name)]
      }.first
    }
    let padding = named(["[PAD]", "<pad>", "<|pad|>"])
    let end = named(["</s>", "[SEP]", "<|endoftext|>", "<eos>"])
    let begin = named(["<s>", "[CLS]", "<bos>"]) ?? end
    self.padding = padding ?? 0
    if let padding, let begin, let end, padding != end, padding != begin {
      marks = SentenceMarks(padding: padding, begin: begin, end: end)
    } else {
      marks = nil
    }
    let count = vocabulary.count
    guard (rowMarks.begin + rowMarks.end).allSatisfy({ Int($0) < count }) else {
      throw fields.fault("post_processor: puts in tokens that the vocabulary lacks")
    }
  }

  private static func vocabulary(
    _ numbers: [ScalarString: Int32], _ added: [AddedTokens.Token], _ fields: TokenizerFields
  ) throws -> [String] {
    let greatest = max(numbers.values.max() ?? -1, added.map(\.number).max() ?? -1)
    let (count, known) = (Int(greatest) + 1, numbers.count + added.count)
    guard count > 0, count <= 2 * known + 1024 else {
      throw fields.fault("numbers \(counted(known, "token")) up to \(greatest)")
    }
    var vocabulary = [String](repeating: "", count: count)
    for (piece, number) in numbers { vocabulary[Int(number)] = piece.description }
    for token in added {
      let known = vocabulary[Int(token.number)]
      let own = numbers[ScalarString(token.text)]
      guard known.isEmpty || known.hasScalars(of: token.text), own == nil || own == token.number
      else { throw fields.fault("added_tokens: number \(token.number) is another token's") }
      vocabulary[Int(token.number)] = token.text
    }
    return vocabulary
  }

  /// The file as it was.
  package var json: JSON {
    .object([.init("kind", .string(Self.kind)), .init("tokenizer", source)])
  }

  /// The tokens of a text, without those that stand before and behind it.
  ///
  /// Counterpart: `Tokenizer.encode(text, add_special_tokens=False).ids`.
  ///
  /// - Throws: nothing.
  package func encode(_ text: String) throws -> [Int32] {
    var known: [ScalarString: [Int32]] = [:]
    return encode(text, known: &known)
  }

  /// The tokens of each of several texts.
  ///
  /// - Throws: nothing.
  package func encode(each texts: [String]) throws -> [[Int32]] {
    var known: [ScalarString: [Int32]] = [:]
    return texts.map { encode($0, known: &known) }
  }

  /// The tokens of a text; `known` keeps those of words that were met before.
  private func encode(_ text: String, known: inout [ScalarString: [Int32]]) -> [Int32] {
    var tokens: [Int32] = []
    for part in raw.parts(Array(text.unicodeScalars)[...]) {
      guard case .text(let text) = part else {
        if case .token(let token) = part { tokens.append(token) }
        continue
      }
      for part in normalized.parts(normalizer(text)) {
        switch part {
        case .token(let token): tokens.append(token)
        case .text(let text):
          for word in cutter(text) { append(word, &tokens, &known) }
        }
      }
    }
    return tokens
  }

  private func append(
    _ word: ArraySlice<Unicode.Scalar>, _ tokens: inout [Int32],
    _ known: inout [ScalarString: [Int32]]
  ) {
    let key = ScalarString(word.text)
    if let found = known[key] {
      tokens += found
      return
    }
    let found = model.tokens(of: word)
    known[key] = found
    tokens += found
  }

  /// The tokens of rows: texts with the special tokens before and behind them, which stay where texts
  /// are cut off.
  ///
  /// Counterpart: `Tokenizer.encode(text).ids`.
  package func rows(_ texts: [Substring], length: Int?) -> [[Int32]] {
    var known: [ScalarString: [Int32]] = [:]
    let marks = rowMarks.begin.count + rowMarks.end.count
    return texts.map { text in
      let tokens = encode(String(text), known: &known)
      let room = length.map { max($0 - marks, 0) } ?? tokens.count
      return rowMarks.begin + tokens.prefix(room) + rowMarks.end
    }
  }

  /// The text of tokens; special ones are left out.
  ///
  /// Counterpart: `Tokenizer.decode(ids)`.
  ///
  /// - Throws: `DataError` for a number that is no token.
  package func decode(_ tokens: [Int32]) throws -> String {
    joiner(
      try tokens.compactMap { token in
        guard vocabulary.indices.contains(Int(token)) else {
          throw DataError("token \(token) is none of the \(count)", exitCode: .data)
        }
        return special.contains(token) ? nil : vocabulary[Int(token)]
      })
  }

  /// The text that tokens add to one before them.
  ///
  /// - Throws: `DataError` for a number that is no token.
  package func decode(_ tokens: [Int32], after token: Int32) throws -> String {
    guard case .bytes = joiner else {
      let (before, all) = (try decode([token]), try decode([token] + tokens))
      return String(all.unicodeScalars.dropFirst(before.unicodeScalars.count))
    }
    return try decode(tokens)
  }
}
