/// The one fixed binary tree along which every floating-point sum over ranks is made.
///
/// A range of n > 1 leaves splits after the largest power of two below n. A holder of some leaves
/// passes on the complete subtrees that it holds, so the bits do not depend on who holds what.
package struct ReductionTree: Sendable, Hashable {
  /// The number of leaves: ranks or virtual ranks.
  package let leaves: Int

  /// A tree of at least one leaf.
  package init(leaves: Int) {
    precondition(leaves > 0, "a reduction tree has at least one leaf")
    self.leaves = leaves
  }

  /// The number of leaves in the left child of a node of `count` > 1 leaves.
  package static func leftCount(_ count: Int) -> Int {
    1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
  }

  /// The maximal complete subtrees within a range of leaves, in order.
  package func subtrees(in range: Range<Int>) -> [Range<Int>] {
    subtrees { range.contains($0) ? 0 : nil }.map(\.range)
  }

  /// The maximal subtrees whose leaves all have the same owner, in order.
  ///
  /// Leaves without owner (nil) belong to no subtree.
  func subtrees(owner: (Int) -> Int?) -> [(range: Range<Int>, owner: Int)] {
    var found: [(range: Range<Int>, owner: Int)] = []
    // Returns the owner of the whole node if it has one, for the parent to list or to merge.
    func visit(_ node: Range<Int>) -> Int? {
      if node.count == 1 { return owner(node.lowerBound) }
      let middle = node.lowerBound + Self.leftCount(node.count)
      let (left, right) = (node.lowerBound..<middle, middle..<node.upperBound)
      let leftOwner = visit(left)
      let afterLeft = found.count
      let rightOwner = visit(right)
      if let leftOwner, leftOwner == rightOwner { return leftOwner }
      if let rightOwner { found.append((right, rightOwner)) }
      if let leftOwner { found.insert((left, leftOwner), at: afterLeft) }
      return nil
    }
    let whole = 0..<leaves
    if let owner = visit(whole) { found.append((whole, owner)) }
    return found
  }

  /// Combines one value per leaf along the tree.
  ///
  /// - Throws: what `combine` throws.
  package func reduce<T>(_ values: [T], _ combine: (T, T) throws -> T) rethrows -> T {
    precondition(values.count == leaves, "one value per leaf")
    func visit(_ lower: Int, _ count: Int) throws -> T {
      if count == 1 { return values[lower] }
      let left = Self.leftCount(count)
      return try combine(visit(lower, left), visit(lower + left, count - left))
    }
    return try visit(0, leaves)
  }

  /// The plan that sums buffers of given subtrees, which cover the leaves in order, into the
  /// root's.
  package func plan(_ subtrees: [Range<Int>]) -> ReductionPlan {
    ReductionPlan(tree: self, subtrees: subtrees)
  }

  /// The plan that sums one buffer per leaf.
  package func plan() -> ReductionPlan { plan((0..<leaves).map { $0..<($0 + 1) }) }
}
