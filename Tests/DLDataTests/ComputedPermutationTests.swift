import DLData
import Testing

/// The order of an epoch of very many samples, on few.
@Suite struct ComputedPermutationTests {
  @Test(arguments: [1, 2, 3, 4, 5, 17, 64, 65, 1000, 4097])
  func everySampleHasOnePlace(count: Int) {
    let permutation = ComputedPermutation(seed: 3, epoch: 2, count: count)
    let samples = (0..<count).map(permutation.sample)
    #expect(samples.sorted() == Array(0..<count))
  }

  @Test func theOrderDependsOnSeedAndEpochAlone() {
    func order(_ seed: Int, _ epoch: Int) -> [Int] {
      let permutation = ComputedPermutation(seed: seed, epoch: epoch, count: 5000)
      return (0..<5000).map(permutation.sample)
    }
    #expect(order(1, 0) == order(1, 0))
    #expect(order(1, 0) != order(1, 1))
    #expect(order(1, 0) != order(2, 0))
  }

  /// As many samples stay where they are, and neighbors beside each other, as in a random order:
  /// one of each expected.
  @Test func theOrderLooksRandom() {
    var (fixed, neighbors) = (0, 0)
    for epoch in 0..<50 {
      let permutation = ComputedPermutation(seed: 1, epoch: epoch, count: 1000)
      let samples = (0..<1000).map(permutation.sample)
      fixed += samples.enumerated().count { $0.offset == $0.element }
      neighbors += zip(samples, samples.dropFirst()).count { $1 == $0 + 1 }
    }
    // 50 of each expected, with a deviation of 7.
    #expect((15...85).contains(fixed), "\(fixed)")
    #expect((15...85).contains(neighbors), "\(neighbors)")
  }

  @Test func aPlaceOfTheLargestDataSetIsFoundAtOnce() {
    let count = Int(Int32.max) * 64
    let permutation = ComputedPermutation(seed: 1, epoch: 0, count: count)
    let samples = [0, 1, count / 2, count - 1].map(permutation.sample)
    #expect(Set(samples).count == 4)
    #expect(samples.allSatisfy { (0..<count).contains($0) })
  }

  @Test func moreRowsThanATableHoldsAreLoaded() throws {
    let data = try SyntheticDataset(shape: [2], classes: 3, count: Int(Int32.max), seed: 1)
    let sampler = try Sampler(count: data.count, batchSize: 4)
    let loader = try BatchLoader(
      dataset: data, sampler: sampler, sharding: BatchSharding(ranks: 1), rank: 0,
      transform: InputTransform(from: .float32, shape: [2]), startStep: sampler.stepsPerEpoch - 1)
    defer { loader.close() }
    let last = try #require(try loader.next())
    let permutation = ComputedPermutation(seed: 0, epoch: 0, count: data.count)
    let places = last.cursor.places
    #expect(places.upperBound == data.count)
    #expect(Array(last.microBatches[0].sampleIndices) == places.map(permutation.sample))
  }

  @Test func batchesThatNoMachineHoldsAreRefused() throws {
    let data = try SyntheticDataset(
      shape: [1 << 20], classes: 3, count: Int(Int32.max), seed: 1)
    for accumulate in [1, 1000, Int(Int32.max)] {
      let sampler = try Sampler(
        count: data.count, batchSize: Int(Int32.max), accumulate: accumulate)
      let error = #expect(throws: DataError.self) {
        try BatchLoader(
          dataset: data, sampler: sampler, sharding: BatchSharding(ranks: 1), rank: 0,
          transform: InputTransform(from: .float32, shape: [1 << 20]))
      }
      #expect(error?.exitCode == .usage)
      #expect(error?.description.contains("batch_size: 2147483647 rows") == true)
    }
  }
}
