import DLData
import DLTensor
import Testing

@Suite struct LengthBucketTests {
  private let lengths: [Int32] = {
    var stream = RandomStream(RandomKey(5))
    return (0..<1003).map { _ in Int32(1 + stream.upTo(50)) }
  }()

  @Test(arguments: Sampler.LastBatch.allCases)
  func everySampleOnceInBatchesOfSimilarLengths(lastBatch: Sampler.LastBatch) throws {
    let sampler = try Sampler(
      count: lengths.count, batchSize: 10, order: .bucketed, lastBatch: lastBatch, seed: 3)
    let order = sampler.samples(ofEpoch: 2, lengths: lengths)
    #expect(order.sorted() == Array(0..<lengths.count))
    func padding(_ order: [Int]) -> Int {
      (0..<100).reduce(0) { sum, batch in
        let rows = order[batch * 10..<batch * 10 + 10].map { Int(lengths[$0]) }
        return sum + (rows.max() ?? 0) * rows.count - rows.reduce(0, +)
      }
    }
    let shuffled = try Sampler(count: lengths.count, batchSize: 10, seed: 3).samples(ofEpoch: 2)
    #expect(padding(order) * 10 < padding(shuffled))
    #expect(order != sampler.samples(ofEpoch: 3, lengths: lengths))
    #expect(order == sampler.samples(ofEpoch: 2, lengths: lengths))
  }

  @Test func needsLengths() throws {
    let data = try SyntheticDataset(shape: [3], classes: 2, count: 8, seed: 1)
    let sampler = try Sampler(count: 8, batchSize: 4, order: .bucketed)
    #expect(throws: DataError.self) {
      try BatchLoader(
        dataset: data, sampler: sampler, sharding: BatchSharding(ranks: 1), rank: 0,
        transform: InputTransform(
          from: .float32, shape: [3], precision: .float32, normalize: nil))
    }
  }
}
