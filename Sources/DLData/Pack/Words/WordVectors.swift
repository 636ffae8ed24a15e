import DLCore
import DLFormats
import DLTensor

/// Turns a text file of words with their vectors, as word2vec and GloVe write them, into a table for
/// the vocabulary of a data set.
package struct WordVectors {
  /// The data set file whose words get vectors.
  package var like: String
  /// The name of the table among the network's parameters.
  package var name = "0.weight"
  /// Keys the vectors of words that the file lacks.
  package var seed = 1
  /// Told what is worth knowing, such as the number of words that were found.
  package var notice: (String) -> Void = { _ in }

  /// Makes a packer for the words of a data set file.
  package init(like: String) { self.like = like }

  /// Writes the table, F32 `[words, size]`, to the file `output`.
  ///
  /// A line is a word and its numbers, parted by blanks; a first line of two whole numbers is
  /// word2vec's header. Words that the file lacks get numbers from a uniform distribution of the
  /// variance of those that it has (Kim 2014, section 3.2), padding gets zeros.
  ///
  /// - Throws: `FormatError`.
  package func pack(_ path: String, output: String) throws -> PackedFile {
    let words = try PackLike(like).words()
    var lines = try TextFile.lines(of: path)[...]
    if let header = lines.first?.words(), header.count == 2, header.allSatisfy({ Int($0) != nil }) {
      lines = lines.dropFirst()
    }
    var found: [Int: [Float]] = [:]
    var size: Int?
    for (index, line) in zip(lines.indices, lines) where !line.words().isEmpty {
      let cells = line.words()
      let numbers = cells.dropFirst().map { Float($0) ?? .nan }
      guard !numbers.isEmpty, numbers.count == size ?? numbers.count,
        numbers.allSatisfy(\.isFinite)
      else {
        throw FormatError(
          .content, file: path,
          "line \(index + 1) is not a word and \(size.map(String.init) ?? "its") numbers",
          advice: "give word2vec's or GloVe's text format, one word a line")
      }
      size = numbers.count
      let token = words.token(cells[0])
      if token != WordTokenizer.unknown, found[Int(token)] == nil { found[Int(token)] = numbers }
    }
    guard let size, !found.isEmpty else {
      throw FormatError(
        .content, file: path, "has a vector for no word of \(like)",
        advice: "name vectors of the same language and spelling")
    }
    let all = words.count - WordTokenizer.firstWord
    notice("\(counted(found.count, "word")) of \(all) have vectors")
    let table = filled(found, words: words.count, size: size)
    try table.withUnsafeBytes { bytes in
      try PackedFile.write(
        [.init(name: name, dtype: .float32, shape: [words.count, size], bytes: bytes)],
        metadata: ["source": "vectors"], to: output)
    }
    return PackedFile(path: output, shape: [words.count, size])
  }

  private func filled(_ found: [Int: [Float]], words: Int, size: Int) -> [Float] {
    // In the order of words: the sum of a dictionary's values would not be the same each time.
    let known = found.keys.sorted().flatMap { found[$0] ?? [] }.map { Double($0) }
    let mean = known.reduce(0, +) / Double(known.count)
    let variance =
      known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(known.count)
    let bound = (3 * variance).squareRoot()
    let key = RandomKey(seed).child("vectors")
    return (0..<words).flatMap { word -> [Float] in
      if let vector = found[word] { return vector }
      guard word != Int(WordTokenizer.padding) else { return [Float](repeating: 0, count: size) }
      var stream = RandomStream(key.child(word))
      return (0..<size).map { _ in Float((2 * stream.uniform() - 1) * bound) }
    }
  }
}
