import DLTensor

/// Brings rows of similar lengths together in batches, the same way for every number of ranks.
///
/// A shuffled epoch is cut into pools of 32 batches; each pool is sorted by length, cut into
/// batches, and these are shuffled. The short batch at the end stays there. Padding to the longest
/// row of a batch then costs little, and which rows meet still changes from epoch to epoch.
struct LengthBuckets: Sendable {
  private let lengths: [Int32]
  private let batchSize: Int
  private static let batchesPerPool = 32

  init(lengths: [Int32], batchSize: Int) {
    self.lengths = lengths
    self.batchSize = batchSize
  }

  /// Reorders an epoch's samples.
  func arrange(_ samples: inout [Int], key: RandomKey) {
    let pool = batchSize.multipliedReportingOverflow(by: LengthBuckets.batchesPerPool)
    let poolSize = pool.overflow ? samples.count : pool.partialValue
    for (number, first) in stride(from: 0, to: samples.count, by: max(poolSize, 1)).enumerated() {
      let end = min(first + poolSize, samples.count)
      let sorted = samples[first..<end].enumerated().sorted { a, b in
        (lengths[a.element], a.offset) < (lengths[b.element], b.offset)
      }.map(\.element)
      var starts = Array(stride(from: 0, through: sorted.count - batchSize, by: batchSize))
      var stream = RandomStream(key.child(number))
      stream.shuffle(&starts)
      var place = first
      for start in starts {
        for sample in sorted[start..<start + batchSize] {
          samples[place] = sample
          place += 1
        }
      }
      for sample in sorted[(starts.count * batchSize)...] {
        samples[place] = sample
        place += 1
      }
    }
  }
}
