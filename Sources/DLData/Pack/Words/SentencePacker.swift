import DLCore
import DLFormats

/// Turns texts of known classes into data set files of words.
package struct SentencePacker {
  /// The parts that texts are divided into.
  package var split = SplitPlan()
  /// Texts to validate on instead of a part of the others, as those of ``pack(_:output:)``.
  package var validation: [String] = []
  /// The words of a row; those of the longest text unless given.
  package var length: Int?
  /// The number of times that a word must occur in the training part to be in the vocabulary.
  package var minimumCount = 1
  /// The most words in the vocabulary, the most frequent ones.
  package var maximumWords: Int?
  /// A `tokenizer.json` of Hugging Face's whose tokens are taken instead of words.
  package var tokenizer: String?
  /// True if a text has any number of classes: y is F32 `[N, classes]`, 1 for those that it has.
  package var isMultiLabel = false
  /// A data set file whose vocabulary, classes and length are taken.
  package var like: String?
  /// Told what is worth knowing, such as the size of the vocabulary.
  package var notice: (String) -> Void = { _ in }

  /// Makes a packer.
  package init() {}

  /// Packs into `train.safetensors` and `validation.safetensors` in the folder `output`, with
  /// ``like`` into `sentences.safetensors` alone: x I32 `[N, length]`, words filled up with 0, y I32
  /// `[N]`, `lengths` I32 `[N]`.
  ///
  /// `sources` are files of a sentence a line that are named by their classes, one folder of these,
  /// one folder of folders with a file a text, or one file of lines `CLASS<TAB>TEXT`, with
  /// ``isMultiLabel`` that alone, with any number of classes between commas. Texts without words are
  /// left out. The classes are sorted by name; metadata holds `class_names`, the `tokenizer` and the
  /// token of `padding`.
  ///
  /// - Throws: `FormatError` and `DataError`.
  package func pack(_ sources: [String], output: String) throws -> [PackedFile] {
    try WordPacking.check(minimumCount: minimumCount, maximumWords: maximumWords)
    let text = try read(sources)
    let other = validation.isEmpty ? nil : try read(validation)
    if like != nil {
      guard other == nil else { throw DataError("like: makes one part, leave out validation") }
      return try pack(
        [Part(name: "sentences", text: text, rows: Array(text.words.indices))], output,
        isFirst: true)
    }
    if let other {
      let parts = [("train", text), ("validation", other)].map {
        Part(name: $0, text: $1, rows: Array($1.words.indices))
      }
      return try pack(parts, output, isFirst: true)
    }
    let numbers =
      isMultiLabel
      ? nil
      : try PackLike.numbers(
        of: Array(text.classes.joined()), among: Self.sorted([text]), of: text.source,
        source: text.source)
    let split = try RowSplit(
      count: text.words.count, split, labels: numbers, source: text.source)
    _ = try PackOutput(output, parts: split.sets.joined().count, canBeOne: true)
    return try split.sets.enumerated().flatMap { number, set in
      try pack(
        set.map { Part(name: $0.name, text: text, rows: split.rows(of: $0)) }, output,
        isFirst: number == 0)
    }
  }

  /// Texts that make one file.
  private struct Part {
    let name: String
    let text: LabelledText
    let rows: [Int]
  }

  /// Packs parts whose vocabulary is that of the first.
  private func pack(_ parts: [Part], _ output: String, isFirst: Bool) throws -> [PackedFile] {
    let like = try like.map { try PackLike($0) }
    let text = parts[0].text
    let target = try PackOutput(output, parts: parts.count)
    let tokenizer: any RowTokenizer =
      try like?.rows() ?? self.tokenizer.map { try HuggingFaceTokenizer(path: $0) }
      ?? WordTokenizer(
        counting: parts[0].rows.lazy.map { text.words[$0] }, minimumCount: minimumCount,
        limit: maximumWords ?? .max)
    let names = try like?.classes().names ?? Self.sorted(parts.map(\.text))
    let wanted = try like?.length() ?? length
    let tokens = parts.map { part in
      tokenizer.rows(part.rows.map { part.text.texts[$0] }, length: wanted)
    }
    let length = try TokenRows.length(
      wanted, of: tokens.joined().lazy.map(\.count), source: text.source)
    if like == nil, isFirst {
      let size =
        tokenizer is WordTokenizer
        ? counted(tokenizer.count - 2, "word") : counted(tokenizer.count, "token")
      notice("\(size), \(counted(names.count, "class", "classes"))")
    }
    let labels = try parts.map { part in
      try PackLike.numbers(
        of: part.rows.flatMap { part.text.classes[$0] }, among: names,
        of: like?.path ?? text.source, source: part.text.source)
    }
    return try parts.indices.map { place in
      let (part, labels) = (parts[place], labels[place])
      let rows = TokenRows(rows: tokens[place], length: length)
      let path = target.path(part.name)
      try PackedFile.write(
        [
          rows.tensor("x", padding: tokenizer.padding),
          isMultiLabel
            ? .yesOrNo(
              "y", labels, counts: part.rows.map { part.text.classes[$0].count }, of: names.count)
            : .values("y", labels),
          rows.lengths,
        ],
        metadata: WordPacking.metadata("sentences", tokenizer, classes: names), to: path)
      return PackedFile(path: path, shape: [part.rows.count, length])
    }
  }

  private func read(_ sources: [String]) throws -> LabelledText {
    let text = try LabelledText(sources, isMultiLabel: isMultiLabel)
    if text.emptyCount > 0 {
      notice("\(text.source): \(counted(text.emptyCount, "text")) without words left out")
    }
    if let first = text.passedOver.first {
      notice(
        "\(text.source): \(text.passedOver.count) file(s) are not .txt and are left out: \(first)")
    }
    return text
  }

  private static func sorted(_ texts: [LabelledText]) -> [String] {
    Set(texts.flatMap { $0.classes.joined().map { ScalarString($0) } }).sorted()
      .map(\.description)
  }
}

/// The rules that the packers of words share.
enum WordPacking {
  /// Checks what the vocabulary is cut by.
  ///
  /// - Throws: `DataError`.
  static func check(minimumCount: Int, maximumWords: Int?) throws {
    guard minimumCount >= 1 else {
      throw DataError("min-count: \(minimumCount) is out of range, give 1 or more")
    }
    guard (1...1 << 24).contains(maximumWords ?? 1) else {
      throw DataError("max-words: \(maximumWords ?? 0) is out of range, give 1 to \(1 << 24)")
    }
  }

  /// The metadata of a data set file of words.
  static func metadata(_ source: String, _ tokenizer: any RowTokenizer, classes: [String])
    -> [String: String]
  {
    [
      "source": source, "classes": String(classes.count),
      ClassNames.key: ClassNames(classes).text,
      TokenizerFile.key: tokenizer.json.description, "padding": String(tokenizer.padding),
    ]
  }
}
