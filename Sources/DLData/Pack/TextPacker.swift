import DLCluster
import DLCore
import DLFormats

/// Turns a text into rows of tokens for language models.
package enum TextPacker {
  /// Reads the UTF-8 text `path` and writes `train.safetensors` and `validation.safetensors` into
  /// the folder `output`: `tokens` I32 [N], one for each character (Unicode scalar), line ends read
  /// as Python's text mode reads them.
  ///
  /// The first `fraction` of the characters is for training, as in nanoGPT: floor(fraction * n).
  /// Both files hold the tokenizer of the whole text, or that of the file `like`. With `words` tokens
  /// are the words between white space, the vocabulary that of the training part, with the counts of
  /// its words. Throws `FormatError`, as for a character that the other file lacks, and `DataError`.
  package static func pack(
    _ path: String, output: String, fraction: Double = 0.9, like: String? = nil,
    words: WordCut? = nil
  ) throws -> [PackedFile] {
    guard fraction > 0, fraction < 1 else {
      throw DataError("train-fraction: \(fraction) is out of range, give 0 < fraction < 1")
    }
    let text = try TextFile.text(of: path)
    let tokenizer: any Tokenizer
    if let like {
      tokenizer = try PackLike(like).tokenizer(for: text, source: path)
    } else {
      tokenizer =
        try words?.tokenizer(of: text, fraction) as (any Tokenizer)? ?? CharacterTokenizer(of: text)
    }
    let tokens = try tokenizer.encode(text)
    let cut = Int(Double(tokens.count) * fraction)
    guard cut >= 2, tokens.count - cut >= 2 else {
      let unit = tokenizer is WordTokenizer ? "word" : "character"
      throw FormatError(
        .content, file: path, "has \(counted(tokens.count, unit)), too few for two parts",
        advice: "give a longer text")
    }
    try File.makeFolder(output)
    return try [("train", tokens[..<cut]), ("validation", tokens[cut...])].map { name, part in
      let path = "\(output)/\(name).safetensors"
      let part = Array(part)
      try part.withUnsafeBytes { bytes in
        try SafetensorsWriter.write(
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

/// Which words of a text have a token of their own.
package struct WordCut: Sendable {
  /// How often a word must occur in the training part.
  package var minimumCount = 1
  /// The most words, the most frequent ones.
  package var maximumWords: Int?

  /// Takes all words.
  package init() {}

  /// The vocabulary of the first `fraction` of a text's words; throws `DataError`.
  fileprivate func tokenizer(of text: String, _ fraction: Double) throws -> WordTokenizer {
    try WordPacking.check(minimumCount: minimumCount, maximumWords: maximumWords)
    let words = text.words()
    return WordTokenizer(
      counting: [Array(words.prefix(Int(Double(words.count) * fraction)))],
      minimumCount: minimumCount, limit: maximumWords ?? .max, keepsCounts: true)
  }
}
