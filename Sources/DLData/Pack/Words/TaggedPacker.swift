import DLCore
import DLFormats

/// Turns sentences whose words are tagged into data set files.
package struct TaggedPacker {
  /// The label of padding and of words without a tag, PyTorch's default `ignore_index`.
  package static let ignored: Int32 = -100

  /// The parts that the sentences of one file are divided into; nil for a part a file.
  package var split: SplitPlan?
  /// The column that is the tag.
  package var column = CoNLLUFile.Column.upos
  /// The words of a row; those of the longest sentence unless given.
  package var length: Int?
  /// The number of times that a word must occur in the training file to be in the vocabulary.
  package var minimumCount = 1
  /// The most words in the vocabulary, the most frequent ones.
  package var maximumWords: Int?
  /// A data set file whose vocabulary, tags and length are taken.
  package var like: String?
  /// Told what is worth knowing, such as the size of the vocabulary.
  package var notice: (String) -> Void = { _ in }

  /// Makes a packer.
  package init() {}

  /// Packs files of CoNLL-U, each into `NAME.safetensors` of the folder `output`, or one into the
  /// parts of ``split``: x I32 `[N, length]`, words filled up with 0, y I32 `[N, length]`, tags filled
  /// up with -100, `lengths` I32 `[N]`.
  ///
  /// The vocabulary is that of the first part. Tags are those of all files, sorted; a word without
  /// one has the label -100. Metadata holds the tags as `class_names`, the `tokenizer` and the
  /// token of `padding`.
  ///
  /// - Throws: `FormatError` and `DataError`.
  package func pack(_ parts: [(name: String, path: String)], output: String) throws -> [PackedFile]
  {
    try WordPacking.check(minimumCount: minimumCount, maximumWords: maximumWords)
    let files = try parts.map { try CoNLLUFile(path: $0.path, column: column) }
    guard let first = files.first else { throw DataError("no files, name one of CoNLL-U") }
    let tags = Set(files.flatMap { $0.sentences.flatMap { $0.compactMap(\.tag) } })
    guard let split else {
      let parts = zip(parts, files).map { Part(name: $0.name, file: $1) }
      return try pack(parts, tags, try PackOutput(output, parts: parts.count), isFirst: true)
    }
    guard files.count == 1, like == nil else {
      throw DataError(
        "split: parts one file, leave out \(OptionName.validation), \(OptionName.test) and \(OptionName.like), or \(OptionName.split) and \(OptionName.folds)"
      )
    }
    // A sentence has many tags: there is no class that each part could have its share of.
    let rows = try RowSplit(count: first.sentences.count, split, source: first.path)
    let target = try PackOutput(output, parts: rows.sets.joined().count, canBeOne: true)
    return try rows.sets.enumerated().flatMap { number, set in
      let parts = set.map { part in
        Part(
          name: part.name, path: first.path,
          sentences: rows.rows(of: part).map { first.sentences[$0] })
      }
      return try pack(parts, tags, target, isFirst: number == 0)
    }
  }

  /// Sentences that make one file.
  private struct Part {
    let name: String
    let path: String
    let sentences: [[CoNLLUFile.Word]]

    init(name: String, path: String, sentences: [[CoNLLUFile.Word]]) {
      (self.name, self.path, self.sentences) = (name, path, sentences)
    }

    init(name: String, file: CoNLLUFile) {
      self.init(name: name, path: file.path, sentences: file.sentences)
    }
  }

  /// Packs parts whose vocabulary is that of the first.
  private func pack(
    _ parts: [Part], _ tags: Set<ScalarString>, _ target: PackOutput, isFirst: Bool
  ) throws -> [PackedFile] {
    let first = parts[0]
    let like = try like.map { try PackLike($0) }
    let tokenizer =
      try like?.words()
      ?? WordTokenizer(
        counting: first.sentences.lazy.map { $0.map(\.form.text) }, minimumCount: minimumCount,
        limit: maximumWords ?? .max)
    let names = try like?.classes().names ?? tags.sorted().map(\.description)
    guard !names.isEmpty else {
      throw FormatError(
        .content, file: first.path, "has no word with \(column.rawValue)",
        advice: "choose another column by \(OptionName.tag)")
    }
    let length = try TokenRows.length(
      like?.length() ?? length, of: parts.lazy.flatMap { $0.sentences.lazy.map(\.count) },
      source: first.path)
    if like == nil, isFirst {
      notice("\(counted(tokenizer.count - 2, "word")), \(counted(names.count, "tag"))")
    }
    let rows = try parts.map { part in
      try Self.rows(
        part, tokenizer, names, length: length, namesSource: like?.path ?? first.path)
    }
    return try zip(parts, rows).map { part, rows in
      let path = target.path(part.name)
      try PackedFile.write(
        [
          rows.words.tensor("x", padding: WordTokenizer.padding),
          rows.tags.tensor("y", padding: Self.ignored), rows.words.lengths,
        ],
        metadata: WordPacking.metadata("CoNLL-U", tokenizer, classes: names), to: path)
      return PackedFile(path: path, shape: [rows.words.rows.count, length])
    }
  }

  private static func rows(
    _ part: Part, _ tokenizer: WordTokenizer, _ names: [String], length: Int,
    namesSource: String
  ) throws -> (words: TokenRows, tags: TokenRows) {
    let used = Set(part.sentences.flatMap { $0.compactMap(\.tag) }).sorted()
    let numbers = try PackLike.numbers(
      of: used.map(\.description), among: names, of: namesSource, source: part.path)
    let labels = Dictionary(zip(used, numbers), uniquingKeysWith: { first, _ in first })
    return (
      TokenRows(
        rows: part.sentences.map { $0.map { tokenizer.token($0.form.text) } }, length: length),
      TokenRows(
        rows: part.sentences.map { $0.map { $0.tag.flatMap { labels[$0] } ?? ignored } },
        length: length)
    )
  }
}
