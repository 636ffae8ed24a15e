import DLCluster
import DLTensor

/// The deal of rows to ranks in whole batches, which are cut whatever the number of ranks is.
///
/// The batches are the contents of the leaves of one fixed tree, and every rank has a run of leaves:
/// what is computed of a batch has the same bits on whichever rank, and so has the sum along the
/// tree.
package struct BatchDeal: Sendable {
  /// The leaves of the tree: ranks beyond it have no rows.
  static let leafCount = 64

  /// The rows that take part, as indices of the data set, in ascending order.
  package let rows: [Int]
  /// The places in ``rows`` of each batch.
  package let batches: [Range<Int>]
  private let ranks: Int
  private let rank: Int
  let tree = ReductionTree(leaves: leafCount)

  /// Cuts the rows of a data set; a number below its rows draws so many of them, keyed by the seed.
  init(
    count: Int, rows wanted: Int, seed: UInt64, batchSize: Int, communicator: any Communicator
  ) {
    var all = Array(0..<count)
    if wanted < count {
      var stream = RandomStream(RandomKey(seed).child("analysis").child("rows"))
      stream.shuffle(&all)
      all = all.prefix(wanted).sorted()
    }
    rows = all
    var cuts = Array(stride(from: 0, to: all.count, by: max(batchSize, 1)))
    // A batch of one row has no variance for a batch normalization.
    if cuts.count > 1, let last = cuts.last, all.count - last == 1 { cuts.removeLast() }
    batches = zip(cuts, cuts.dropFirst() + [all.count]).map { $0..<$1 }
    (rank, ranks) = (communicator.rank, communicator.size)
  }

  /// The batches of a leaf.
  func batches(of leaf: Int) -> Range<Int> {
    part(leaf, of: BatchDeal.leafCount, in: batches.count)
  }

  /// The batches of a run of leaves.
  func batches(of leaves: Range<Int>) -> Range<Int> {
    batches(of: leaves.lowerBound).lowerBound..<batches(of: leaves.upperBound - 1).upperBound
  }

  /// The leaves of a rank.
  func leaves(of rank: Int) -> Range<Int> { part(rank, of: ranks, in: BatchDeal.leafCount) }

  /// The batches of this rank.
  package var mine: Range<Int> {
    let leaves = leaves(of: rank)
    return leaves.isEmpty ? 0..<0 : batches(of: leaves)
  }

  /// The indices of a batch's rows in the data set.
  package func rows(of batch: Int) -> [Int] { Array(rows[batches[batch]]) }

  private func part(_ index: Int, of parts: Int, in count: Int) -> Range<Int> {
    index * count / parts..<(index + 1) * count / parts
  }
}

extension BatchDeal {
  /// Sums vectors of this rank's batches, and those of all ranks, along the fixed tree; collective.
  ///
  /// - Parameters:
  ///   - count: the elements of a vector.
  ///   - what: what is attempted, for a failure that is no error of dltrain's.
  ///   - leaf: the sum over some batches in their order; not called for none.
  /// - Returns: the same bits on every rank, whatever their number; zeros for no rows.
  /// - Throws: `RankFailure`, the same on every rank, where `leaf` throws.
  func sum(
    _ count: Int, _ what: String, context: Context, leaf: (Range<Int>) throws -> Tensor
  ) throws -> Tensor {
    let communicator = context.communicator
    let shares = (0..<ranks).flatMap { rank in
      tree.subtrees(in: leaves(of: rank)).map { (range: $0, owner: rank) }
    }
    func own(_ node: Range<Int>) throws -> Tensor? {
      guard node.count > 1 else {
        let batches = batches(of: node.lowerBound)
        return batches.isEmpty ? nil : try leaf(batches)
      }
      return try merge(node, own)
    }
    let mine = try communicator.agreed(what) {
      try context.withoutRecording {
        try shares.filter { $0.owner == rank }.map { try own($0.range) }
      }
    }
    var (next, taken) = (0, 0)
    func all(_ node: Range<Int>) throws -> Tensor? {
      guard shares[next].range == node else { return try merge(node, all) }
      let share = shares[next]
      next += 1
      var part: Tensor?
      if share.owner == rank {
        part = mine[taken]
        taken += 1
      }
      guard !batches(of: node).isEmpty else { return nil }
      let sum = try part ?? .empty([count], dtype: .float64, context: context)
      try communicator.broadcast(
        UnsafeMutableRawBufferPointer(start: sum.pointer, count: sum.byteCount), root: share.owner)
      return sum
    }
    return try context.withoutRecording {
      try all(0..<BatchDeal.leafCount) ?? .zeros([count], dtype: .float64, context: context)
    }
  }

  private func merge(_ node: Range<Int>, _ visit: (Range<Int>) throws -> Tensor?) throws -> Tensor?
  {
    let middle = node.lowerBound + ReductionTree.leftCount(node.count)
    let left = try visit(node.lowerBound..<middle)
    let right = try visit(middle..<node.upperBound)
    guard let left, let right else { return left ?? right }
    return try left + right
  }
}
