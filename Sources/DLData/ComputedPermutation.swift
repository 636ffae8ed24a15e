import DLTensor

/// The order of an epoch of very many samples, each place computed when it is asked for: no memory,
/// and no wait before the first step.
///
/// A Feistel network of six rounds over the smallest even number of bits that holds all places; what
/// falls outside 0 ..< count goes through again (Black and Rogaway 2002, "Ciphers with Arbitrary
/// Finite Domains"). Depends on seed, epoch and count alone.
package struct ComputedPermutation: Sendable {
  /// The number of samples.
  package let count: Int
  private let keys: [RandomKey]
  private let halfBits: Int

  /// More samples than this are not put into a table: it would take half a GiB on each rank.
  package static let largestTable = 1 << 26

  /// The permutation of 0 ..< count for an epoch.
  ///
  /// - Precondition: 1 to 2^62 samples.
  package init(seed: Int, epoch: Int, count: Int) {
    precondition(count >= 1 && count <= 1 << 62, "1 to 2^62 samples")
    self.count = count
    let key = RandomKey(seed).child("shuffle").child(epoch)
    keys = (0..<6).map { key.child("round").child($0) }
    let bits = Int.bitWidth - max(count - 1, 1).leadingZeroBitCount
    halfBits = (bits + 1) / 2
  }

  /// The sample at a place.
  package func sample(at place: Int) -> Int {
    let mask = (1 << halfBits) - 1
    var value = place
    repeat {
      var (left, right) = (value >> halfBits, value & mask)
      for key in keys {
        let mixed = Int(truncatingIfNeeded: key.child(right).value) & mask
        (left, right) = (right, left ^ mixed)
      }
      value = left << halfBits | right
    } while value >= count
    return value
  }
}

/// The order of samples: the one at each place of an epoch.
struct SampleOrder {
  /// The samples by place; nil where they are not in a table.
  var table: UnsafeBufferPointer<Int>?
  /// Computes the sample; nil where a table holds it, or the order is the file's.
  var computed: ComputedPermutation?
  /// Draws the sample; nil where each is there once.
  var draws: WeightedDraws?

  func sample(at place: Int) -> Int {
    if let draws { return draws.row(at: place) }
    return table?[place] ?? computed?.sample(at: place) ?? place
  }
}
