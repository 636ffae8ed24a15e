import DLTensor

/// The order of an epoch's samples: a permutation that depends on seed, epoch and count alone.
///
/// Fisher and Yates's shuffle with the random stream of `RandomKey(seed).child("shuffle")
/// .child(epoch)`: the same for every number of ranks, on every machine.
package struct Permutation: Sendable {
  /// `indices[i]` is the sample at place i.
  package private(set) var indices: [Int]
  /// The key that the epochs' keys derive from.
  package let key: RandomKey
  /// The epoch whose order this is.
  package private(set) var epoch: Int
  private let buckets: LengthBuckets?

  /// The permutation of 0 ..< count for an epoch; O(count).
  package init(seed: Int, epoch: Int, count: Int) {
    self.init(seed: seed, epoch: epoch, count: count, buckets: nil)
  }

  init(seed: Int, epoch: Int, count: Int, buckets: LengthBuckets?) {
    key = RandomKey(seed).child("shuffle")
    indices = Array(0..<count)
    self.epoch = epoch
    self.buckets = buckets
    shuffle()
  }

  /// Becomes the permutation of another epoch, in the same memory; O(count).
  package mutating func move(toEpoch epoch: Int) {
    self.epoch = epoch
    for index in indices.indices { indices[index] = index }
    shuffle()
  }

  private mutating func shuffle() {
    var stream = RandomStream(key.child(epoch))
    stream.shuffle(&indices)
    buckets?.arrange(&indices, key: key.child("buckets").child(epoch))
  }
}
