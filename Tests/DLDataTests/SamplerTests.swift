import DLCluster
import DLData
import Testing

@Suite struct SamplerTests {
  @Test func shardingPartitionsByTheFloorRule() throws {
    for ranks in 1...9 {
      let sharding = try BatchSharding(ranks: ranks)
      for count in 0...40 {
        for rank in 0..<ranks {
          #expect(
            sharding.rows(of: rank, in: count)
              == rank * count / ranks..<(rank + 1) * count / ranks)
        }
      }
    }
  }

  @Test func sharesAreExactWhereTheyAddUp() throws {
    let sharding = try BatchSharding(shares: [7, 5, 3, 0])
    #expect((0..<4).map { sharding.rows(of: $0, in: 15).count } == [7, 5, 3, 0])
    for count in 0...100 {
      let rows = (0..<4).flatMap { Array(sharding.rows(of: $0, in: count)) }
      #expect(rows == Array(0..<count))
      #expect(sharding.rows(of: 3, in: count).isEmpty)
    }
    let huge = try BatchSharding(shares: [Int.max / 2, Int.max / 2])
    #expect(huge.rows(of: 1, in: 1 << 40) == 1 << 39..<1 << 40)
  }

  @Test func refusesSharesWithoutSense() {
    for shares in [[], [0, 0], [-1, 2], [Int.max, 1]] {
      #expect(throws: DataError.self) { try BatchSharding(shares: shares) }
    }
    #expect(throws: DataError.self) { try BatchSharding(ranks: 0) }
  }

  @Test(arguments: Sampler.LastBatch.allCases)
  func everyEpochVisitsEverySampleOnce(mode: Sampler.LastBatch) throws {
    for count in [1, 2, 7, 12, 30] {
      for batchSize in [1, 3, 4, 12, 40] where mode != .drop || batchSize <= count {
        for accumulate in [1, 2, 3] where accumulate <= min(batchSize, count) {
          let sampler = try Sampler(
            count: count, batchSize: batchSize, accumulate: accumulate, lastBatch: mode)
          checkEpoch(of: sampler)
        }
      }
    }
  }

  private func checkEpoch(of sampler: Sampler) {
    var places: [Int] = []
    for step in 0..<sampler.stepsPerEpoch {
      let cursor = sampler.cursor(atStep: step + 3 * sampler.stepsPerEpoch)
      #expect(cursor.epoch == 3)
      #expect(cursor.step == step)
      places += Array(cursor.places)
      let size = cursor.places.count
      #expect(sampler.stepSizes.contains(size))
      #expect(size == sampler.batchSize || step == sampler.stepsPerEpoch - 1)
      let rows = (0..<sampler.accumulate).flatMap { Array(sampler.microBatch($0, of: size)) }
      #expect(rows == Array(0..<size))
      let smallest = (0..<sampler.accumulate).map { sampler.microBatch($0, of: size).count }.min()
      #expect(sampler.smallestMicroBatch <= smallest ?? 0)
    }
    let expected =
      sampler.lastBatch == .drop
      ? sampler.count / sampler.batchSize * sampler.batchSize : sampler.count
    #expect(places == Array(0..<expected))
    #expect(sampler.rowsPerEpoch == expected)
  }

  @Test func lastBatchModesDiffer() throws {
    func sizes(_ mode: Sampler.LastBatch) throws -> [Int] {
      let sampler = try Sampler(count: 10, batchSize: 4, lastBatch: mode)
      return (0..<sampler.stepsPerEpoch).map { sampler.cursor(atStep: $0).places.count }
    }
    #expect(try sizes(.keep) == [4, 4, 2])
    #expect(try sizes(.drop) == [4, 4])
    #expect(try sizes(.merge) == [4, 6])
  }

  @Test func refusesWhatLeavesNoStep() {
    #expect(throws: DataError.self) { try Sampler(count: 0, batchSize: 1) }
    #expect(throws: DataError.self) { try Sampler(count: 5, batchSize: 0) }
    #expect(throws: DataError.self) { try Sampler(count: 5, batchSize: -1) }
    #expect(throws: DataError.self) { try Sampler(count: 5, batchSize: 2, accumulate: 3) }
    #expect(throws: DataError.self) { try Sampler(count: 5, batchSize: 2, accumulate: 0) }
    #expect(throws: DataError.self) { try Sampler(count: 5, batchSize: 6, lastBatch: .drop) }
    #expect(throws: DataError.self) { try Sampler(count: 5, batchSize: 2, repeats: 0) }
    #expect(throws: DataError.self) { try Sampler(count: 5, batchSize: 2, repeats: Int.max) }
    #expect(throws: Never.self) {
      try Sampler(count: 5, batchSize: 6, repeats: 2, lastBatch: .drop)
    }
    do {
      _ = try Sampler(count: 5, batchSize: Int.max, accumulate: 5)
      _ = try Sampler(count: 5, batchSize: 0)
    } catch let error as DataError {
      #expect(error.exitCode == .usage)
      #expect(error.description.contains("batch_size"))
    } catch {
      Issue.record(error)
    }
  }

  @Test func permutationsAreKeyedBySeedAndEpoch() {
    let first = Permutation(seed: 1, epoch: 0, count: 1000)
    #expect(first.indices.sorted() == Array(0..<1000))
    #expect(first.indices == Permutation(seed: 1, epoch: 0, count: 1000).indices)
    #expect(first.indices != Permutation(seed: 2, epoch: 0, count: 1000).indices)
    var moved = first
    moved.move(toEpoch: 1)
    #expect(moved.indices != first.indices)
    #expect(moved.indices == Permutation(seed: 1, epoch: 1, count: 1000).indices)
    moved.move(toEpoch: 0)
    #expect(moved.indices == first.indices)
    // A fixed point is expected once per permutation on average.
    let fixed = (0..<200).map { epoch in
      Permutation(seed: 1, epoch: epoch, count: 100).indices.enumerated().count { $0 == $1 }
    }
    #expect((120..<280).contains(fixed.reduce(0, +)))
  }
}
