import DLCore
import DLFormats

/// Learns the pairs of a ``BytePairTokenizer`` from the words of a text.
///
/// Again and again the most frequent pair of neighbors becomes a piece; of equally frequent ones
/// that of the smaller numbers. Counts are kept exact by visiting only the words that have the pair.
package struct BytePairLearner {
  private var words: [[Int32]] = []
  private var frequencies: [Int] = []
  private var counts: [UInt64: Int] = [:]
  /// The words in which a pair stood at some time.
  private var places: [UInt64: [Int32]] = [:]
  private var queue = PairQueue()

  /// Learns a tokenizer of `size` pieces, special ones and single characters included, or of fewer
  /// where no pair occurs twice any more.
  ///
  /// - Throws: `DataError` where the characters alone are more.
  package static func learn(_ texts: [String], size: Int) throws -> BytePairTokenizer {
    var frequencies: [ScalarString: Int] = [:]
    for text in texts {
      for word in text.words() { frequencies[ScalarString(word), default: 0] += 1 }
    }
    var learner = BytePairLearner()
    return try learner.learn(frequencies, size: size)
  }

  private mutating func learn(_ words: [ScalarString: Int], size: Int) throws -> BytePairTokenizer {
    let mark = BytePairTokenizer.wordMark
    var characters = Set(mark.unicodeScalars)
    for word in words.keys { characters.formUnion(word.text.unicodeScalars) }
    let alphabet = characters.sorted()
    var vocabulary = BytePairTokenizer.special + alphabet.map { String($0) }
    guard size >= vocabulary.count, size < 1 << 24 else {
      throw DataError(
        "vocabulary: \(size) is out of range for \(characters.count) characters and 4 special tokens, "
          + "give \(vocabulary.count) to \((1 << 24) - 1)")
    }
    var numbers = Dictionary(
      vocabulary.enumerated().map { (ScalarString($1), Int32($0)) },
      uniquingKeysWith: { first, _ in first })
    let first = BytePairTokenizer.special.count
    let letters = Dictionary(
      alphabet.enumerated().map { ($1, Int32(first + $0)) }, uniquingKeysWith: { first, _ in first }
    )
    for (word, frequency) in words {
      add((mark + word.text).unicodeScalars.map { letters[$0] ?? 0 }, frequency)
    }
    for (pair, count) in counts { queue.push(count, pair) }
    var pairs: [UInt64] = []
    while vocabulary.count < size, let pair = nextPair() {
      let piece = vocabulary[Int(pair >> 32)] + vocabulary[Int(pair & 0xffff_ffff)]
      // Two pairs may make the same piece. What a text spells as a special token is, is none.
      let key = ScalarString(piece)
      let number = numbers[key] ?? Int32(vocabulary.count)
      if number < first { continue }
      if numbers.updateValue(number, forKey: key) == nil { vocabulary.append(piece) }
      pairs.append(pair)
      apply(pair, number)
    }
    guard let tokenizer = BytePairTokenizer(vocabulary: vocabulary, pairs: pairs) else {
      throw DataError("the learned pieces do not fit together", exitCode: .fault)
    }
    return tokenizer
  }

  private mutating func add(_ word: [Int32], _ frequency: Int) {
    for pair in Self.pairs(word) {
      counts[pair, default: 0] += frequency
      places[pair, default: []].append(Int32(words.count))
    }
    words.append(word)
    frequencies.append(frequency)
  }

  /// The most frequent pair that occurs at least twice.
  private mutating func nextPair() -> UInt64? {
    while let (count, pair) = queue.pop() {
      let now = counts[pair] ?? 0
      if now == count { return count >= 2 ? pair : nil }
      // It has become rarer since it was queued; where it became more frequent, it was queued anew.
      if now > 0, now < count { queue.push(now, pair) }
    }
    return nil
  }

  private mutating func apply(_ pair: UInt64, _ piece: Int32) {
    var grown: Set<UInt64> = []
    for place in places.removeValue(forKey: pair) ?? [] {
      let index = Int(place)
      let before = words[index]
      Self.merge(pair, into: piece, &words[index])
      guard words[index].count < before.count else { continue }
      for old in Self.pairs(before) { counts[old, default: 0] -= frequencies[index] }
      for new in Self.pairs(words[index]) {
        counts[new, default: 0] += frequencies[index]
        guard Int32(new >> 32) == piece || Int32(new & 0xffff_ffff) == piece else { continue }
        places[new, default: []].append(place)
        grown.insert(new)
      }
    }
    counts[pair] = nil
    for pair in grown { queue.push(counts[pair] ?? 0, pair) }
  }

  private static func pairs(_ word: [Int32]) -> some Sequence<UInt64> {
    zip(word, word.dropFirst()).lazy.map { UInt64($0) << 32 | UInt64($1) }
  }

  /// Replaces every occurrence of the pair, from the left.
  static func merge(_ pair: UInt64, into piece: Int32, _ word: inout [Int32]) {
    let (left, right) = (Int32(pair >> 32), Int32(pair & 0xffff_ffff))
    var write = 0
    var read = 0
    while read < word.count {
      if read + 1 < word.count, word[read] == left, word[read + 1] == right {
        word[write] = piece
        read += 2
      } else {
        word[write] = word[read]
        read += 1
      }
      write += 1
    }
    word.removeLast(word.count - write)
  }
}

/// A heap of pairs, the most frequent first, of equals that of the smaller numbers.
private struct PairQueue {
  private var heap: [(count: Int, pair: UInt64)] = []

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    (heap[b].count, heap[a].pair) < (heap[a].count, heap[b].pair)
  }

  mutating func push(_ count: Int, _ pair: UInt64) {
    heap.append((count, pair))
    var child = heap.count - 1
    while child > 0, precedes(child, (child - 1) / 2) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> (count: Int, pair: UInt64)? {
    guard let top = heap.first else { return nil }
    heap.swapAt(0, heap.count - 1)
    heap.removeLast()
    var parent = 0
    while 2 * parent + 1 < heap.count {
      var child = 2 * parent + 1
      if child + 1 < heap.count, precedes(child + 1, child) { child += 1 }
      guard precedes(child, parent) else { break }
      heap.swapAt(child, parent)
      parent = child
    }
    return top
  }
}
