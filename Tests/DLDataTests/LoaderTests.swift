import DLCluster
import DLCore
import DLData
import DLFormats
import DLTensor
import DLTestSupport
import Testing

@Suite struct LoaderTests {
  private func loader(
    _ sampler: Sampler, _ sharding: BatchSharding, rank: Int, steps: Range<Int>
  ) throws -> BatchLoader {
    let dataset = CountingDataset(count: sampler.count)
    let transform = try InputTransform(from: dataset.inputType, shape: dataset.inputShape)
    return try BatchLoader(
      dataset: dataset, sampler: sampler, sharding: sharding, rank: rank, transform: transform,
      startStep: steps.lowerBound, endStep: steps.upperBound)
  }

  /// The samples of each step in the order of the global batch, put together from all ranks.
  private func global(_ sampler: Sampler, _ sharding: BatchSharding, steps: Range<Int>) throws
    -> [[Int]]
  {
    let ranks = try (0..<sharding.rankCount).map { rank in
      try drain(loader(sampler, sharding, rank: rank, steps: steps))
    }
    var result = [[Int]](repeating: [], count: steps.count)
    for index in ranks[0].indices {
      var rows = 0
      for parts in ranks {
        let part = parts[index]
        #expect(part.rowOffset == rows)
        #expect(part.globalRows == ranks[0][index].globalRows)
        #expect(part.x == part.samples.map(Float.init))
        #expect(part.y == part.samples.map(Int32.init))
        rows += part.samples.count
        result[part.step - steps.lowerBound] += part.samples
      }
      #expect(rows == ranks[0][index].globalRows)
    }
    return result
  }

  @Test(arguments: [(1, Sampler.LastBatch.keep), (2, .drop), (3, .merge), (2, .keep)])
  func everyNumberOfRanksSeesTheSameBatches(accumulate: Int, mode: Sampler.LastBatch) throws {
    let sampler = try Sampler(
      count: 53, batchSize: 15, accumulate: accumulate, lastBatch: mode, seed: 9)
    let steps = 0..<3 * sampler.stepsPerEpoch
    let expected = steps.map { step in
      let cursor = sampler.cursor(atStep: step)
      return Array(sampler.samples(ofEpoch: cursor.epoch)[cursor.places])
    }
    var shardings = try (1...5).map { try BatchSharding(ranks: $0) }
    shardings.append(try BatchSharding(shares: [7, 5, 3, 0]))
    shardings.append(try BatchSharding(shares: [0, 1]))
    for sharding in shardings {
      #expect(try global(sampler, sharding, steps: steps) == expected)
    }
  }

  /// Steps, micro-batches and shares may cut through the views of a sample.
  @Test(arguments: [(2, 1), (3, 2), (7, 3)])
  func samplesRepeatOneAfterTheOther(repeats: Int, accumulate: Int) throws {
    let sampler = try Sampler(
      count: 23, batchSize: 15, repeats: repeats, accumulate: accumulate, seed: 9)
    #expect(sampler.stepsPerEpoch == (23 * repeats + 14) / 15)
    let steps = 0..<2 * sampler.stepsPerEpoch
    let expected = (0..<2).flatMap { epoch in
      sampler.samples(ofEpoch: epoch).flatMap { [Int](repeating: $0, count: repeats) }
    }
    for ranks in 1...4 {
      let seen = try global(sampler, BatchSharding(ranks: ranks), steps: steps)
      #expect(seen.flatMap { $0 } == expected)
    }
  }

  @Test func resumingAtAnyStepGoesOnAtTheSameSample() throws {
    let sampler = try Sampler(count: 23, batchSize: 5, seed: 4)
    let steps = 0..<2 * sampler.stepsPerEpoch
    let whole = try global(sampler, BatchSharding(ranks: 2), steps: steps)
    for start in steps {
      // Resumed at another number of ranks, too.
      let rest = try global(sampler, BatchSharding(ranks: 3), steps: start..<steps.upperBound)
      #expect(rest == Array(whole[start...]))
    }
  }

  @Test func buffersAreAlignedAndStayThroughTheStep() throws {
    let sampler = try Sampler(count: 64, batchSize: 20, accumulate: 3, order: .sequential)
    let loader = try loader(sampler, BatchSharding(ranks: 1), rank: 0, steps: 0..<8)
    var addresses: Set<UnsafeMutableRawPointer> = []
    while let batch = try loader.next() {
      for part in batch.microBatches {
        #expect(Int(bitPattern: part.x) % 64 == 0)
        #expect(Int(bitPattern: part.y) % 64 == 0)
      }
      addresses.insert(batch.microBatches[0].x)
    }
    #expect(addresses.count == 2)
    #expect(try loader.next() == nil)
  }

  @Test func closesAtAnyPoint() throws {
    let sampler = try Sampler(count: 10, batchSize: 2)
    let sharding = try BatchSharding(ranks: 1)
    for taken in 0..<4 {
      let loader = try loader(sampler, sharding, rank: 0, steps: 0..<Int.max)
      for _ in 0..<taken { _ = try loader.next() }
      loader.close()
      loader.close()
      #expect(try loader.next() == nil)
      // Dropped without being closed.
      _ = try self.loader(sampler, sharding, rank: 0, steps: 0..<Int.max).next()
    }
  }

  @Test func aFileCutShortInMidRunIsThrownAtItsStep() throws {
    let folder = TemporaryFolder()
    let path = "\(folder.path)/data.safetensors"
    let count = 4096
    let x = [UInt8](repeating: 7, count: 64 * count)
    try SafetensorsWriter.write(
      [
        tensor("x", .uint8, [count, 8, 8, 1], x),
        tensor("y", .int32, [count], [Int32](repeating: 1, count: count)),
      ], to: path)
    let dataset = try TensorFileDataset(path: path, classes: 2)
    let sampler = try Sampler(count: count, batchSize: 16, order: .sequential)
    let loader = try BatchLoader(
      dataset: dataset, sampler: sampler, sharding: BatchSharding(ranks: 1), rank: 0,
      transform: InputTransform(from: .uint8, shape: [8, 8, 1]))
    _ = try loader.next()
    let file = try File(path, .update)
    try file.truncate(to: file.byteCount() / 2)
    var steps = 1
    for _ in 0..<2 {
      do {
        while try loader.next() != nil { steps += 1 }
        Issue.record("the loader went on after the file's end")
      } catch let error as FormatError {
        #expect(error.exitCode == ExitCode.data)
        #expect(error.file == path)
        // Rows that are still there come first: the change is seen, not yet the end.
        #expect(error.description.contains("was changed while it is in use"))
      }
    }
    #expect(steps < sampler.stepsPerEpoch)
  }

  @Test func refusesWhatDoesNotFit() throws {
    let sampler = try Sampler(count: 10, batchSize: 2)
    let sharding = try BatchSharding(ranks: 2)
    let transform = try InputTransform(from: .float32, shape: [1])
    for (count, rank) in [(11, 0), (10, 2), (10, -1)] {
      #expect(throws: DataError.self) {
        try BatchLoader(
          dataset: CountingDataset(count: count), sampler: sampler, sharding: sharding, rank: rank,
          transform: transform)
      }
    }
    let huge = try SyntheticDataset(shape: [1 << 36], classes: 2, count: 1 << 30, seed: 1)
    #expect(throws: DataError.self) {
      try BatchLoader(
        dataset: huge, sampler: Sampler(count: huge.count, batchSize: huge.count),
        sharding: BatchSharding(ranks: 1), rank: 0,
        transform: InputTransform(from: .float32, shape: huge.inputShape))
    }
  }
}
