import DLCore
import DLData
import DLTensor
import DLTestSupport
import Synchronization
import Testing

private struct Fault: Error, Equatable { let row: Int }

/// Rows that say their number, some of which cannot be read.
private final class FaultyDataset: Dataset {
  let count = 64
  let inputShape = [3]
  let inputType = DType.float32
  let labelShape: [Int] = []
  let labelType = DType.int32
  let classCount: Int? = 64
  let faults: Set<Int>
  let reads = Atomic(0)

  init(_ faults: Set<Int>) { self.faults = faults }

  func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer
  ) throws {
    for (index, row) in rows.enumerated() {
      reads.add(1, ordering: .relaxed)
      guard !faults.contains(row) else { throw Fault(row: row) }
      for element in 0..<3 {
        inputs.storeBytes(
          of: Float(row), toByteOffset: 12 * index + 4 * element, as: Float.self)
      }
      labels.storeBytes(of: Int32(row), toByteOffset: 4 * index, as: Int32.self)
    }
  }
}

/// Several threads that load.
@Suite struct LoaderWorkerTests {
  private func loader(_ faults: Set<Int> = [], workers: Int, batch: Int = 16) throws -> (
    FaultyDataset, BatchLoader
  ) {
    let dataset = FaultyDataset(faults)
    let loader = try BatchLoader(
      dataset: dataset,
      sampler: Sampler(count: 64, batchSize: batch, order: .sequential, seed: 1),
      sharding: BatchSharding(ranks: 1), rank: 0,
      transform: InputTransform(from: .float32, shape: [3], precision: .float64),
      workers: workers, endStep: 1000)
    return (dataset, loader)
  }

  @Test(arguments: [0, 1, 2, 5]) func rowsAreTheSameForAnyNumber(workers: Int) throws {
    let (_, loader) = try loader(workers: workers)
    for step in 0..<9 {
      let part = try #require(try loader.next()).microBatches[0]
      let x = part.x.assumingMemoryBound(to: Double.self)
      let first = step % 4 * 16
      #expect((0..<48).allSatisfy { x[$0] == Double(first + $0 / 3) })
      #expect(Array(part.sampleIndices) == Array(first..<first + 16))
    }
    loader.close()
    loader.close()
    #expect(try loader.next() == nil)
  }

  /// The first row at fault in the order of the batch is told, whichever thread meets another one
  /// before; again at each call, and the threads end.
  @Test(arguments: [0, 1, 2, 4]) func theFirstFaultIsTold(workers: Int) throws {
    for _ in 0..<20 {
      let (_, loader) = try loader([29, 23, 25, 60], workers: workers)
      #expect(try loader.next() != nil)
      for _ in 0..<2 { #expect(throws: Fault(row: 23)) { try loader.next() } }
      loader.close()
    }
  }

  /// No more than two steps are read ahead of the training, and none with no thread.
  @Test(arguments: [0, 1, 3]) func memoryIsBounded(workers: Int) throws {
    let (dataset, loader) = try loader(workers: workers)
    for step in 1...6 {
      _ = try loader.next()
      #expect(dataset.reads.load(ordering: .relaxed) <= 16 * (step + (workers == 0 ? 0 : 1)))
    }
    loader.close()
  }

  @Test func aPoolDoesEveryPieceOnce() throws {
    let pool = try ThreadPool("pool", lanes: 4)
    defer { pool.end() }
    for count in [0, 1, 3, 500] {
      let total = Atomic(0)
      try pool.each(count) { piece, lane in
        precondition((0..<4).contains(lane))
        total.add(piece + 1, ordering: .relaxed)
      }
      #expect(total.load(ordering: .relaxed) == count * (count + 1) / 2)
    }
    for _ in 0..<50 {
      #expect(throws: Fault(row: 7)) {
        try pool.each(100) { piece, _ in if piece % 10 == 7 { throw Fault(row: piece) } }
      }
    }
  }
}
