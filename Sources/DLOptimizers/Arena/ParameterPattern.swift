/// A pattern for parameter names, such as `*.bias` or `encoder.*|embedding.*`.
///
/// `*` stands for any characters, `?` for one, `|` separates alternatives; a name must match as a
/// whole.
public struct ParameterPattern: Sendable, Hashable {
  /// The alternatives.
  package let alternatives: [String]

  /// Takes a pattern apart.
  public init(_ pattern: String) {
    alternatives = pattern.split(separator: "|", omittingEmptySubsequences: false)
      .map { $0.split(separator: " ").joined() }
  }

  /// Whether one of the alternatives matches the whole name.
  public func matches(_ name: String) -> Bool {
    alternatives.contains { ParameterPattern.matches(Array($0.utf8), Array(name.utf8)) }
  }

  /// Goes back to the last star only, which is enough: time is the product of the lengths at worst.
  private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
    let (star, any) = (UInt8(ascii: "*"), UInt8(ascii: "?"))
    var (p, n) = (0, 0)
    var back: (pattern: Int, name: Int)?
    while n < name.count {
      if p < pattern.count, pattern[p] == star {
        back = (p + 1, n)
        p += 1
      } else if p < pattern.count, pattern[p] == any || pattern[p] == name[n] {
        p += 1
        n += 1
      } else if let last = back {
        back = (last.pattern, last.name + 1)
        (p, n) = (last.pattern, last.name + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == star }
  }
}
