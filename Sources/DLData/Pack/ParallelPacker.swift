import DLCore
import DLFormats

/// Turns pairs of text files, one sentence a line, into data set files for translation.
package struct ParallelPacker {
  /// A text and its translation, line by line.
  package struct Pair: Sendable, Hashable {
    /// The file to translate from.
    package let source: String
    /// The file to translate to.
    package let target: String

    /// Makes a pair.
    package init(source: String, target: String) {
      self.source = source
      self.target = target
    }
  }

  /// The number of pieces that both languages share.
  package var vocabulary = 8000
  /// A data set file, or a `tokenizer.json` of Hugging Face's, whose tokenizer is taken instead of one learned on the first pair.
  package var tokenizer: String?
  /// The parts that the sentences of one pair are divided into; nil for a file a pair.
  package var split: SplitPlan?
  /// Told what is worth knowing, such as the size of the vocabulary.
  package var notice: (String) -> Void = { _ in }

  /// Makes a packer.
  package init() {}

  /// Packs each pair into `NAME.safetensors` in the folder `output`, NAME being the source file's
  /// name without its last part, or one pair into the parts of ``split``.
  ///
  /// Rows are padded with 0 to the longest of all pairs: `x` I32 [N, S] is a source sentence and
  /// its end, `y` I32 [N, T] the begin, a target sentence and its end; `lengths` I32 [N, 2] counts
  /// both. `target_text` U8 keeps the target lines as they were, to judge translations by elsewhere.
  /// The metadata holds the tokenizer.
  ///
  /// - Throws: `FormatError` and `DataError`.
  package func pack(_ pairs: [Pair], output: String) throws -> [PackedFile] {
    let names = pairs.map { Self.name($0.source) }
    guard !pairs.isEmpty, Set(names.map { ScalarString($0) }).count == names.count else {
      throw DataError("the files of \(names) would have one name, give different ones")
    }
    let texts = try pairs.map { pair in
      let (source, target) = (try lines(pair.source), try lines(pair.target))
      if source.isEmpty, target.isEmpty {
        throw FormatError(
          .content, file: pair.source, "is empty", advice: "name files of a sentence a line")
      }
      guard source.count == target.count else {
        throw FormatError(
          .content, file: pair.target,
          "has \(target.count) lines, \(pair.source) has \(source.count)",
          advice: "give files that belong together line by line")
      }
      return (source: source, target: target)
    }
    guard let split else {
      return try pack(
        zip(names, texts).map { Part(name: $0, source: $1.source, target: $1.target) },
        PackOutput(output, parts: names.count), isFirst: true)
    }
    guard pairs.count == 1 else {
      throw DataError("split: parts one pair of files, give two files alone or leave it out")
    }
    let (source, translation) = texts[0]
    let rows = try RowSplit(count: source.count, split, source: pairs[0].source)
    let target = try PackOutput(output, parts: rows.sets.joined().count, canBeOne: true)
    return try rows.sets.enumerated().flatMap { number, set in
      let parts = set.map { part in
        let chosen = rows.rows(of: part)
        return Part(
          name: part.name, source: chosen.map { source[$0] },
          target: chosen.map { translation[$0] })
      }
      return try pack(parts, target, isFirst: number == 0)
    }
  }

  /// Sentences that make one file.
  private struct Part {
    let name: String
    let source: [String]
    let target: [String]
  }

  /// Packs parts whose pieces are learned on the first.
  private func pack(_ parts: [Part], _ output: PackOutput, isFirst: Bool) throws -> [PackedFile] {
    let pieces = try makeTokenizer(parts[0].source + parts[0].target)
    let marks = try self.marks(of: pieces)
    if isFirst {
      let learned = (pieces as? BytePairTokenizer).map { ", \($0.merges.count) of them learned" }
      notice("\(pieces.count) pieces\(learned ?? "")")
    }
    let rows = try parts.map { part in
      Rows(
        source: try pieces.encode(each: part.source).map { $0 + [marks.end] },
        target: try pieces.encode(each: part.target).map { [marks.begin] + $0 + [marks.end] })
    }
    let widths = (
      rows.flatMap(\.source).map(\.count).max() ?? 1, rows.flatMap(\.target).map(\.count).max() ?? 1
    )
    return try zip(parts, rows).map { part, rows in
      let path = output.path(part.name)
      try write(rows, widths, text: part.target, pieces, to: path)
      return PackedFile(path: path, shape: [rows.source.count, widths.0])
    }
  }

  private struct Rows {
    let source: [[Int32]]
    let target: [[Int32]]
  }

  private static func name(_ path: String) -> String {
    let name = path.parts(at: "/", omittingEmpty: true).last ?? "pairs"
    return String(name.unicodeScalars.lastIndex(of: ".").map { name[..<$0] } ?? name)
  }

  private func lines(_ path: String) throws -> [String] {
    try TextFile.lines(of: path).map(String.init)
  }

  private func makeTokenizer(_ texts: [String]) throws -> any Tokenizer {
    guard let tokenizer else { return try BytePairLearner.learn(texts, size: vocabulary) }
    return try TokenizerFile.read(path: PackLike.file(of: tokenizer))
  }

  private func marks(of pieces: any Tokenizer) throws -> SentenceMarks {
    if let marks = pieces.marks { return marks }
    throw FormatError(
      .content, file: tokenizer ?? "", "holds a tokenizer without tokens for padding and the end",
      advice:
        "name a file made by dltrain data pack parallel, or a tokenizer.json with [PAD] or <pad>, "
        + "and [SEP] or </s>")
  }

  private func write(
    _ rows: Rows, _ widths: (Int, Int), text: [String], _ pieces: any Tokenizer,
    to path: String
  ) throws {
    let padding = try marks(of: pieces).padding
    func padded(_ name: String, _ rows: [[Int32]], _ width: Int) -> SafetensorsTensor {
      SafetensorsTensor(name: name, dtype: .int32, shape: [rows.count, width]) { sink in
        for row in rows {
          let full = row + repeatElement(padding, count: width - row.count)
          try full.withUnsafeBytes { try sink($0) }
        }
      }
    }
    let lengths = zip(rows.source, rows.target).map { [Int32($0.count), Int32($1.count)] }
    let bytes = Array(text.joined(separator: "\n").utf8)
    try PackedFile.write(
      [
        padded("x", rows.source, widths.0), padded("y", rows.target, widths.1),
        padded("lengths", lengths, 2),
        .init(name: "target_text", dtype: .uint8, shape: [bytes.count]) { sink in
          try bytes.withUnsafeBytes { try sink($0) }
        },
      ],
      metadata: [
        "source": "parallel text", "classes": String(pieces.count),
        TokenizerFile.key: pieces.json.description,
      ], to: path)
  }
}
