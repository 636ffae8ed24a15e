extension ReductionTree {
  /// Visits the tree's inner nodes, children before parents, for values that are merged in place.
  ///
  /// `body(left, right)` merges what lies in the slot of leaf `right` into that of leaf `left`; a
  /// node's value lies in the slot of its first leaf, so the root's ends in slot 0.
  ///
  /// - Throws: what `body` throws.
  package func merge(_ body: (_ left: Int, _ right: Int) throws -> Void) rethrows {
    func visit(_ lower: Int, _ count: Int) throws {
      guard count > 1 else { return }
      let left = Self.leftCount(count)
      try visit(lower, left)
      try visit(lower + left, count - left)
      try body(lower, lower + left)
    }
    try visit(0, leaves)
  }
}
