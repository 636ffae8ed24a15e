import DLCore

/// A pattern for parameter names, such as `*.bias` or `encoder.*|embedding.*`.
///
/// `*` stands for any characters, `?` for one, `[0-5]` for one of those, `|` separates alternatives;
/// a name must match as a whole.
package struct ParameterPattern: Sendable, Hashable {
  /// The alternatives.
  package let alternatives: [String]
  private let globs: [Glob]

  /// Takes a pattern apart.
  package init(_ pattern: String) {
    alternatives = pattern.split(separator: "|", omittingEmptySubsequences: false)
      .map { $0.split(separator: " ").joined() }
    globs = alternatives.map { Glob($0) }
  }

  /// Returns whether one of the alternatives matches the whole name.
  package func matches(_ name: String) -> Bool { globs.contains { $0.matches(name) } }
}
