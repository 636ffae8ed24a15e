import DLCluster
import DLCore
import DLFormats

/// Turns a text into rows of tokens for language models.
package enum TextPacker {
  /// Reads the UTF-8 text `path` and writes `train.safetensors` and `validation.safetensors` into
  /// the folder `output`: `tokens` I32 [N], one for each character (Unicode scalar), line ends read
  /// as Python's text mode reads them.
  ///
  /// The parts lie one behind the other, as in nanoGPT: the first begins at 0 and ends at
  /// floor(share * n). All files hold the tokenizer of the whole text, or that of the file `like`,
  /// which may be a `tokenizer.json` of Hugging Face's; special tokens are put in nowhere. With
  /// `words` tokens are the words between white space, the vocabulary that of the training part,
  /// with the counts of its words.
  ///
  /// - Throws: `FormatError`, as for a character that the other file lacks, and `DataError`.
  package static func pack(
    _ path: String, output: String, split: SplitPlan = SplitPlan(), like: String? = nil,
    words: WordCut? = nil
  ) throws -> [PackedFile] {
    try split.check()
    guard split.folds == nil, !split.isStratified else {
      throw DataError(
        "folds, stratify: the rows of a text overlap, and make no parts; give \(OptionName.split) alone"
      )
    }
    let text = try TextFile.text(of: path)
    let like = try like.map { try PackLike.file(of: $0) }
    let tokenizer: any Tokenizer
    if let like, try TokenizerFile.isJSON(like) {
      tokenizer = try HuggingFaceTokenizer(path: like)
    } else if let like {
      tokenizer = try PackLike(like).tokenizer(for: text, source: path)
    } else {
      tokenizer =
        try words?.tokenizer(of: text, split.shares[0]) as (any Tokenizer)?
        ?? CharacterTokenizer(of: text)
    }
    let tokens = try tokenizer.encode(text)
    let target = try PackOutput(output, parts: split.shares.count, canBeOne: true)
    var cuts = [0]
    for end in split.shares.indices {
      let sum = split.shares[...end].reduce(0, +)
      let isLast = end == split.shares.count - 1
      cuts.append(isLast ? tokens.count : Int(Double(tokens.count) * sum))
    }
    guard zip(cuts, cuts.dropFirst()).allSatisfy({ $1 - $0 >= 2 }) else {
      let unit = tokenizer is CharacterTokenizer ? "character" : "token"
      throw FormatError(
        .content, file: path,
        "has \(counted(tokens.count, unit)), too few for \(counted(cuts.count - 1, "part"))",
        advice: "give a longer text")
    }
    return try split.shares.indices.map { place in
      let path = target.path(SplitPlan.names[place])
      let part = Array(tokens[cuts[place]..<cuts[place + 1]])
      try part.withUnsafeBytes { bytes in
        try PackedFile.write(
          [.init(name: "tokens", dtype: .int32, shape: [part.count], bytes: bytes)],
          metadata: [
            "source": "text", "classes": String(tokenizer.count),
            TokenizerFile.key: tokenizer.json.description,
          ], to: path)
      }
      return PackedFile(path: path, shape: [part.count])
    }
  }
}

/// The choice of the words of a text that have a token of their own.
package struct WordCut: Sendable {
  /// The number of times that a word must occur in the training part.
  package var minimumCount = 1
  /// The most words, the most frequent ones.
  package var maximumWords: Int?

  /// Takes all words.
  package init() {}

  /// The vocabulary of the first `fraction` of a text's words.
  ///
  /// - Throws: `DataError`.
  fileprivate func tokenizer(of text: String, _ fraction: Double) throws -> WordTokenizer {
    try WordPacking.check(minimumCount: minimumCount, maximumWords: maximumWords)
    let words = text.words()
    return WordTokenizer(
      counting: [Array(words.prefix(Int(Double(words.count) * fraction)))],
      minimumCount: minimumCount, limit: maximumWords ?? .max, keepsCounts: true)
  }
}
