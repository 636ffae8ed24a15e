/// A number with what it counts, in the singular where it is 1: `1 rank`, `4 ranks`.
///
/// - Parameter plural: the noun's plural; with an s unless given.
package func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
  "\(count) " + numbered(noun, by: count, plural)
}

/// A noun in the number that a count asks for: `rank` for 1, else `ranks`.
package func numbered(_ noun: String, by count: Int, _ plural: String? = nil) -> String {
  count == 1 ? noun : plural ?? noun + "s"
}
