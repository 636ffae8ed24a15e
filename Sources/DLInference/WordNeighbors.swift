import DLCluster
import DLCore
import DLData
import DLLayers
import DLTensor
import DLTraining

/// The vectors of words that a trained network has, compared by the cosine of the angle between them.
package struct WordNeighbors {
  private let tokenizer: any Tokenizer
  /// The vectors, each of length 1, or 0 for one of zeros.
  private let vectors: [[Double]]
  /// The vectors as the network has them.
  private let values: [Double]

  /// Takes the first table of tokens of a run's network.
  ///
  /// - Throws: `UsageError` for a run without words or without a table; what opening the run throws.
  package init(_ run: LoadedRun) throws {
    let trained = try LoadedNetwork(run, communicator: SingleRank())
    guard let tokenizer = trained.tokenizer else {
      throw UsageError("\(run.folder): was not trained on text, name a run of words")
    }
    let tables = trained.task.model.modules().compactMap { $0 as? Embedding }
    guard let table = tables.first, table.weight.shape[0] >= tokenizer.count else {
      throw UsageError(
        "\(run.folder): its network has no embedding of \(tokenizer.count) tokens, name another run"
      )
    }
    self.tokenizer = tokenizer
    // A table may have room for more words than the text has.
    let size = table.weight.shape[1]
    values = try Array(table.weight.value.doubles.prefix(tokenizer.count * size))
    vectors = stride(from: 0, to: values.count, by: size).map { [values] start in
      Self.normalized(Array(values[start..<start + size]))
    }
  }

  private static func normalized(_ vector: [Double]) -> [Double] {
    let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
    return length > 0 ? vector.map { $0 / length } : vector
  }

  /// The words with the largest cosines to a word's vector, plus and minus those of others.
  ///
  /// Vectors are added at length 1; the words that are named are left out. Mikolov et al. 2013.
  ///
  /// - Throws: `UsageError` for a word that is not in the vocabulary.
  package func nearest(
    to word: String, plus: [String] = [], minus: [String] = [], count: Int
  ) throws -> [(word: String, cosine: Double)] {
    let named = try ([word] + plus + minus).map(token)
    var sum = vectors[named[0]]
    for (place, token) in named.enumerated().dropFirst() {
      let sign = place <= plus.count ? 1.0 : -1.0
      for index in sum.indices { sum[index] += sign * vectors[token][index] }
    }
    let query = Self.normalized(sum)
    let cosines = vectors.map { vector in
      zip(vector, query).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let known = (tokenizer as? WordTokenizer).map { _ in WordTokenizer.firstWord } ?? 0
    let others = (known..<vectors.count).filter { !named.contains($0) }
    return try others.sorted { (cosines[$1], $0) < (cosines[$0], $1) }.prefix(count).map {
      (try tokenizer.decode([Int32($0)]), cosines[$0])
    }
  }

  /// The number of a word.
  private func token(_ word: String) throws -> Int {
    let tokens = try tokenizer.encode(word)
    let isUnknown = tokenizer is WordTokenizer && tokens.first == WordTokenizer.unknown
    guard tokens.count == 1, let token = tokens.first, !isUnknown else {
      throw UsageError("\"\(word)\": is not in the run's vocabulary, name another word")
    }
    return Int(token)
  }

  /// All vectors in word2vec's text format: a line with their number and size, then each word with its
  /// numbers.
  ///
  /// - Throws: `UsageError` where tokens are not words.
  package func write(to write: (String) throws -> Void) throws {
    guard let words = tokenizer as? WordTokenizer, let size = vectors.first?.count else {
      throw UsageError("the run's tokens are not words, and have no text format")
    }
    let known = words.vocabulary.indices.dropFirst(WordTokenizer.firstWord)
    try write("\(known.count) \(size)\n")
    for word in known {
      let numbers = values[word * size..<(word + 1) * size].map { Format.significant($0, 9) }
      try write(([words.vocabulary[word]] + numbers).joined(separator: " ") + "\n")
    }
  }
}
