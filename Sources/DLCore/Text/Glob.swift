/// A pattern for whole names as a shell has it, such as `encoder.*.weight` or `layers.[0-5].*`.
///
/// `*` stands for any characters, `?` for one, `[a-c]` for one of those, `[!a-c]` for one of the
/// others. Dots are characters like all others. A bracket without its end stands for itself.
///
/// Counterpart: Python's `fnmatch.fnmatchcase`.
package struct Glob: Sendable, Hashable {
  /// The pattern as it is written.
  package let text: String
  private let parts: [Part]

  private enum Part: Hashable {
    case any
    case one
    case character(Unicode.Scalar)
    case set([ClosedRange<Unicode.Scalar>], isNegated: Bool)
  }

  /// Takes a pattern apart.
  package init(_ pattern: String) {
    text = pattern
    let characters = Array(pattern.unicodeScalars)
    var parts: [Part] = []
    var place = 0
    while place < characters.count {
      let character = characters[place]
      place += 1
      switch character {
      case "*": if parts.last != .any { parts.append(.any) }
      case "?": parts.append(.one)
      case "[":
        if let (set, end) = Glob.set(characters, from: place) {
          parts.append(set)
          place = end
        } else {
          parts.append(.character(character))
        }
      default: parts.append(.character(character))
      }
    }
    self.parts = parts
  }

  /// The characters between brackets, and the place behind these; nil without a closing one.
  private static func set(_ characters: [Unicode.Scalar], from start: Int) -> (Part, end: Int)? {
    var place = start
    let isNegated = place < characters.count && characters[place] == "!"
    if isNegated { place += 1 }
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    let first = place
    while place < characters.count, place == first || characters[place] != "]" {
      let low = characters[place]
      if place + 2 < characters.count, characters[place + 1] == "-",
        characters[place + 2] != "]"
      {
        if low <= characters[place + 2] { ranges.append(low...characters[place + 2]) }
        place += 3
      } else {
        ranges.append(low...low)
        place += 1
      }
    }
    return place < characters.count ? (.set(ranges, isNegated: isNegated), place + 1) : nil
  }

  /// The number of stars in the pattern, neighbors counting as one.
  package var starCount: Int { parts.count { $0 == .any } }

  /// The number of characters of a name that the pattern tells.
  package var literalCount: Int {
    parts.count { if case .character = $0 { true } else { false } }
  }

  /// True if the pattern is a plain name.
  package var isPlain: Bool { literalCount == parts.count }

  /// Returns whether the whole name matches.
  package func matches(_ name: String) -> Bool { captures(name) != nil }

  /// The text that each star stands for in a name, the first as little as it can; nil where the
  /// name does not match.
  ///
  /// Goes back to the last star only, which is enough: time is the product of the lengths at worst.
  package func captures(_ name: String) -> [String]? {
    let name = Array(name.unicodeScalars)
    var (p, n) = (0, 0)
    var stars: [(next: Int, range: Range<Int>)] = []
    while n < name.count || p < parts.count {
      if p < parts.count, parts[p] == .any {
        p += 1
        stars.append((p, n..<n))
      } else if n < name.count, p < parts.count, Glob.matches(parts[p], name[n]) {
        p += 1
        n += 1
      } else if let last = stars.indices.last, stars[last].range.upperBound < name.count {
        let range = stars[last].range
        stars[last].range = range.lowerBound..<range.upperBound + 1
        (p, n) = (stars[last].next, range.upperBound + 1)
      } else {
        return nil
      }
    }
    return stars.map { String(String.UnicodeScalarView(name[$0.range])) }
  }

  private static func matches(_ part: Part, _ character: Unicode.Scalar) -> Bool {
    switch part {
    case .any: false
    case .one: true
    case .character(let wanted): wanted == character
    case .set(let ranges, let isNegated): ranges.contains { $0.contains(character) } != isNegated
    }
  }
}
