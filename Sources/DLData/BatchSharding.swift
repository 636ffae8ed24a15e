/// The division of a micro-batch's rows among ranks.
///
/// Of B rows rank r takes floor(c[r] B / c[P]) ..< floor(c[r+1] B / c[P]), where c are the running
/// sums of the shares; with equal shares that is floor(rB/P) ..< floor((r+1)B/P). Every row goes to
/// one rank; a rank may get none.
package struct BatchSharding: Sendable, Hashable {
  private let bounds: [Int]

  /// The number of ranks.
  package var rankCount: Int { bounds.count - 1 }

  /// Equal shares for `ranks` ranks.
  ///
  /// - Throws: `DataError` for fewer than one.
  package init(ranks: Int) throws {
    guard ranks >= 1 else { throw DataError("\(ranks) ranks cannot share a batch, use at least 1") }
    bounds = Array(0...ranks)
  }

  /// Shares in proportion to the numbers, one per rank; where they add up to the rows of a
  /// micro-batch, exactly these numbers of rows.
  ///
  /// - Throws: `DataError` for a negative number, or none that is positive.
  package init(shares: [Int]) throws {
    var bounds = [0]
    for share in shares {
      let (sum, overflow) = bounds[bounds.count - 1].addingReportingOverflow(share)
      guard share >= 0, !overflow else {
        throw DataError("shares: \(share) is out of range, give numbers of 0 or more")
      }
      bounds.append(sum)
    }
    guard bounds[bounds.count - 1] > 0 else {
      throw DataError("shares: \(shares) leaves no rank with rows, give one positive number")
    }
    self.bounds = bounds
  }

  /// The rows, counted within the micro-batch of `count` rows, that `rank` takes; O(1).
  package func rows(of rank: Int, in count: Int) -> Range<Int> {
    bound(rank, in: count)..<bound(rank + 1, in: count)
  }

  /// The number of rows of a micro-batch of `count` rows that each rank takes.
  package func counts(in count: Int) -> [Int] {
    (0..<rankCount).map { rows(of: $0, in: count).count }
  }

  private func bound(_ index: Int, in count: Int) -> Int {
    let total = UInt(bounds[bounds.count - 1])
    return Int(
      total.dividingFullWidth(UInt(bounds[index]).multipliedFullWidth(by: UInt(count))).quotient)
  }
}
