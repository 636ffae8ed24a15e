import DLCore
import DLFormats

/// The way from a word to tokens; the `model` of a `tokenizer.json`.
protocol PieceModel: Sendable {
  /// The numbers of the pieces.
  var numbers: [ScalarString: Int32] { get }
  /// The tokens of a word.
  func tokens(of word: ArraySlice<Unicode.Scalar>) -> [Int32]
}

extension ArraySlice<Unicode.Scalar> {
  /// The scalars as text.
  var text: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: self)
    return String(view)
  }
}

/// WordPiece: from the beginning of a word on the longest piece that is known.
///
/// Devlin et al. 2019; Schuster and Nakajima 2012.
struct WordPieceModel: PieceModel {
  let numbers: [ScalarString: Int32]
  private let unknown: Int32
  private let prefix: [Unicode.Scalar]
  private let longestWord: Int
  private let longestPiece: Int

  /// Reads the part.
  ///
  /// - Throws: `FormatError`.
  init(_ fields: TokenizerFields) throws {
    numbers = try fields.vocabulary()
    let name = try fields.text("unk_token") ?? "[UNK]"
    guard let unknown = numbers[ScalarString(name)] else {
      throw fields.fault("has no token \"\(name)\" for unknown words")
    }
    self.unknown = unknown
    prefix = Array((try fields.text("continuing_subword_prefix") ?? "##").unicodeScalars)
    longestWord = fields.json["max_input_chars_per_word"]?.int ?? 100
    longestPiece = numbers.keys.map(\.text.unicodeScalars.count).max() ?? 0
  }

  func tokens(of word: ArraySlice<Unicode.Scalar>) -> [Int32] {
    guard word.count <= longestWord else { return [unknown] }
    var tokens: [Int32] = []
    var start = word.startIndex
    while start < word.endIndex {
      let before = start > word.startIndex ? prefix : []
      var end = min(word.endIndex, start + max(longestPiece - before.count, 0))
      var found: Int32?
      while end > start {
        found = numbers[ScalarString((before + word[start..<end])[...].text)]
        if found != nil { break }
        end -= 1
      }
      guard let found else { return [unknown] }
      tokens.append(found)
      start = end
    }
    return tokens
  }
}

/// Byte pair encoding: of neighboring pieces the pair that was learned first is merged, until none is.
///
/// Sennrich, Haddow and Birch 2016.
struct MergeModel: PieceModel {
  let numbers: [ScalarString: Int32]
  private let letters: [Unicode.Scalar: Int32]
  private let merges: [UInt64: (rank: Int, piece: Int32)]
  private let unknown: Int32?
  private let fusesUnknown: Bool
  private let takesWholeWords: Bool

  /// Reads the part.
  ///
  /// - Throws: `FormatError`.
  init(_ fields: TokenizerFields) throws {
    try fields.requireNone([
      "dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback",
    ])
    let numbers = try fields.vocabulary()
    self.numbers = numbers
    unknown = try fields.text("unk_token").map { name in
      guard let number = numbers[ScalarString(name)] else {
        throw fields.fault("has no token \"\(name)\" for unknown characters")
      }
      return number
    }
    fusesUnknown = try fields.flag("fuse_unk", false)
    takesWholeWords = try fields.flag("ignore_merges", false)
    var letters: [Unicode.Scalar: Int32] = [:]
    for (piece, number) in numbers where piece.text.unicodeScalars.count == 1 {
      letters[piece.text.unicodeScalars[piece.text.startIndex]] = number
    }
    self.letters = letters
    guard let list = fields.json["merges"]?.array else { throw fields.fault("has no \"merges\"") }
    var merges: [UInt64: (rank: Int, piece: Int32)] = [:]
    merges.reserveCapacity(list.count)
    for (rank, merge) in list.enumerated() {
      let parts =
        merge.array.map { $0.map { $0.string ?? "" } }
        ?? merge.string?.parts(at: " ").map(String.init) ?? []
      guard parts.count == 2, let left = numbers[ScalarString(parts[0])],
        let right = numbers[ScalarString(parts[1])],
        let piece = numbers[ScalarString(parts[0] + parts[1])]
      else { throw fields.fault("merge \(rank) is no pair of tokens that makes a token") }
      merges[UInt64(left) << 32 | UInt64(right)] = (rank, piece)
    }
    self.merges = merges
  }

  func tokens(of word: ArraySlice<Unicode.Scalar>) -> [Int32] {
    if takesWholeWords, let number = numbers[ScalarString(word.text)] { return [number] }
    var pieces: [Int32] = []
    var isUnknown = false
    for scalar in word {
      let number = letters[scalar]
      if let known = number ?? (isUnknown && fusesUnknown ? nil : unknown) { pieces.append(known) }
      isUnknown = number == nil
    }
    return merged(pieces)
  }

  /// A pair that may be merged, by where its left piece stands.
  private struct Candidate: Comparable {
    let rank: Int
    let place: Int
    let piece: Int32

    static func < (one: Self, other: Self) -> Bool {
      (one.rank, one.place) < (other.rank, other.place)
    }
  }

  /// The pieces that are left; O(n log n).
  private func merged(_ start: [Int32]) -> [Int32] {
    var pieces = start
    guard pieces.count > 1 else { return pieces }
    // What follows and goes before each piece that is left; -1 for none.
    var next = Array(1...pieces.count)
    next[pieces.count - 1] = -1
    var previous = Array(-1..<pieces.count - 1)
    var isGone = [Bool](repeating: false, count: pieces.count)
    func merge(at place: Int) -> Candidate? {
      guard place >= 0, next[place] >= 0 else { return nil }
      let pair = UInt64(pieces[place]) << 32 | UInt64(pieces[next[place]])
      return merges[pair].map { Candidate(rank: $0.rank, place: place, piece: $0.piece) }
    }
    var heap = MinimumHeap(pieces.indices.compactMap { merge(at: $0) })
    while let best = heap.popFirst() {
      // A candidate whose pieces were merged otherwise since is out of date.
      guard !isGone[best.place], merge(at: best.place)?.piece == best.piece else { continue }
      let gone = next[best.place]
      pieces[best.place] = best.piece
      isGone[gone] = true
      next[best.place] = next[gone]
      if next[gone] >= 0 { previous[next[gone]] = best.place }
      for place in [previous[best.place], best.place] {
        if let candidate = merge(at: place) { heap.insert(candidate) }
      }
    }
    return pieces.indices.compactMap { isGone[$0] ? nil : pieces[$0] }
  }
}

/// A binary heap whose first element is the least.
struct MinimumHeap<Element: Comparable> {
  private var elements: [Element]

  /// Takes elements in any order; O(n log n).
  init(_ elements: [Element]) { self.elements = elements.sorted() }

  /// Adds an element.
  mutating func insert(_ element: Element) {
    elements.append(element)
    var place = elements.count - 1
    while place > 0, elements[place] < elements[(place - 1) / 2] {
      elements.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  /// Takes the least out; nil where there is none.
  mutating func popFirst() -> Element? {
    guard let first = elements.first, let last = elements.popLast() else { return nil }
    guard !elements.isEmpty else { return first }
    elements[0] = last
    var place = 0
    while true {
      var child = 2 * place + 1
      guard child < elements.count else { return first }
      if child + 1 < elements.count, elements[child + 1] < elements[child] { child += 1 }
      guard elements[child] < elements[place] else { return first }
      elements.swapAt(place, child)
      place = child
    }
  }
}
