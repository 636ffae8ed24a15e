import DLCluster
import DLCore
import Glibc

/// One rank's part of a micro-batch, in buffers that the loader owns.
package struct MicroBatch {
  /// Rows of the micro-batch over all ranks.
  package fileprivate(set) var globalRows = 0
  /// The place of this rank's first row within the micro-batch.
  package fileprivate(set) var rowOffset = 0
  /// Rows of this rank, 0 or more.
  package fileprivate(set) var rows = 0
  /// The length of the longest row over all ranks, where the data set tells its rows' lengths.
  package fileprivate(set) var longestRow: Int?
  /// The rank's samples, `rows` of them, as indices into the data set.
  package fileprivate(set) var sampleIndices = UnsafeBufferPointer<Int>(start: nil, count: 0)
  /// The inputs [rows, ...], converted and normalized, 64-byte aligned.
  package fileprivate(set) var x: UnsafeMutableRawPointer
  /// The labels [rows, ...], Int32 or Float, 64-byte aligned.
  package fileprivate(set) var y: UnsafeMutableRawPointer
}

/// One rank's part of the batch of an optimizer step; valid until the loader's next `next()`.
package struct StepBatch {
  /// The step, counted from 0 over all epochs.
  package let step: Int
  /// Where the step lies.
  package let cursor: Sampler.Cursor
  /// The micro-batches, in order.
  package let microBatches: UnsafeBufferPointer<MicroBatch>

  /// Rows of the step over all ranks and micro-batches.
  package var globalRows: Int { cursor.places.count }
}

/// The memory of one step: allocated once, filled again and again by the loader's thread.
final class StepBuffer {
  private(set) var batch: StepBatch
  private let microBatches: UnsafeMutableBufferPointer<MicroBatch>
  private let samples: UnsafeMutableBufferPointer<Int>
  private let rowMemory: CheckedMemory
  private let sampleMemory: CheckedMemory
  private let microBatchMemory: CheckedMemory
  private let source: BatchSource
  private var memory: UnsafeMutableRawBufferPointer { rowMemory.bytes }

  init(_ source: BatchSource) throws {
    self.source = source
    let size = source.bufferSize
    rowMemory = try CheckedMemory(byteCount: size.rows, for: "batch_size")
    sampleMemory = try CheckedMemory(byteCount: size.samples, for: "batch_size")
    microBatchMemory = try CheckedMemory(byteCount: size.microBatches, for: "accumulate")
    let memory = rowMemory.bytes
    samples = UnsafeMutableBufferPointer(
      start: sampleMemory.bytes.bindMemory(to: Int.self).baseAddress,
      count: source.largestStepRows)
    microBatches = UnsafeMutableBufferPointer(
      start: microBatchMemory.bytes.bindMemory(to: MicroBatch.self).baseAddress,
      count: source.sampler.accumulate)
    microBatches.initialize(
      repeating: MicroBatch(x: memory.baseAddress!, y: memory.baseAddress!))
    batch = StepBatch(
      step: 0, cursor: source.sampler.cursor(atStep: 0),
      microBatches: UnsafeBufferPointer(microBatches))
  }

  /// Reads this rank's rows of a step; `order` is the order of samples in the step's epoch.
  func fill(step: Int, order: SampleOrder, staging: UnsafeMutableRawBufferPointer)
    throws
  {
    let cursor = source.sampler.cursor(atStep: step)
    var used = 0
    var sampleCount = 0
    func take(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
      defer { used = (used + byteCount + 63) / 64 * 64 }
      return UnsafeMutableRawBufferPointer(start: memory.baseAddress! + used, count: byteCount)
    }
    for index in microBatches.indices {
      let cut = source.sampler.microBatch(index, of: cursor.places.count)
      let mine = source.sharding.rows(of: source.rank, in: cut.count)
      let first = cursor.places.lowerBound + cut.lowerBound + mine.lowerBound
      let list = UnsafeMutableBufferPointer(
        rebasing: samples[sampleCount..<sampleCount + mine.count])
      sampleCount += mine.count
      for row in list.indices { list[row] = sample(ofRow: first + row, order) }
      let x = take(mine.count * source.inputByteCount)
      let y = take(mine.count * source.labelByteCount)
      microBatches[index] = MicroBatch(
        globalRows: cut.count, rowOffset: mine.lowerBound, rows: mine.count,
        longestRow: longestRow(of: cut, from: cursor.places.lowerBound, order: order),
        sampleIndices: UnsafeBufferPointer(list), x: x.baseAddress!, y: y.baseAddress!)
      if mine.isEmpty { continue }
      let repeats = source.sampler.repeats
      let pass = Augmentation.Pass(
        epoch: cursor.epoch, repeats: repeats, firstView: first % repeats)
      try read(
        UnsafeBufferPointer(list), pass, firstRow: first, x: x, y: y, staging: staging)
    }
    batch = StepBatch(
      step: step, cursor: cursor, microBatches: UnsafeBufferPointer(microBatches))
  }

  private func longestRow(of cut: Range<Int>, from first: Int, order: SampleOrder)
    -> Int?
  {
    guard let lengths = source.lengths else { return nil }
    return cut.lazy.map { Int(lengths[self.sample(ofRow: first + $0, order)]) }.max() ?? 0
  }

  /// The sample of a row of the epoch whose samples have this order.
  private func sample(ofRow row: Int, _ order: SampleOrder) -> Int {
    order.sample(at: row / source.sampler.repeats)
  }

  private func read(
    _ rows: UnsafeBufferPointer<Int>, _ pass: Augmentation.Pass, firstRow: Int,
    x: UnsafeMutableRawBufferPointer, y: UnsafeMutableRawBufferPointer,
    staging: UnsafeMutableRawBufferPointer
  ) throws {
    let dataset = source.dataset
    let isIdentity = source.transform.isIdentity
    let rawCount = isIdentity ? 0 : rows.count * dataset.inputByteCount
    let raw = isIdentity ? x : UnsafeMutableRawBufferPointer(rebasing: staging[..<rawCount])
    try dataset.read(rows: rows, inputs: raw, labels: y)
    if let augmentation = source.augmentation {
      // The staging memory ends with room for one image.
      let scratch = UnsafeMutableRawBufferPointer(
        rebasing: staging[(staging.count - dataset.inputByteCount)...])
      if source.sampler.weighted == nil {
        augmentation.apply(to: raw, rows: rows, in: pass, scratch: scratch)
      } else {
        // A sample that is drawn several times is changed otherwise each time, by its place.
        withUnsafeTemporaryAllocation(of: Int.self, capacity: rows.count) { places in
          for index in rows.indices {
            places.initializeElement(
              at: index, to: (firstRow + index) / source.sampler.repeats)
          }
          augmentation.apply(
            to: raw, rows: UnsafeBufferPointer(places), in: pass, scratch: scratch)
        }
      }
    }
    if isIdentity { return }
    source.transform.apply(
      raw.baseAddress!, count: rows.count * dataset.inputCount, into: x.baseAddress!)
  }
}

/// What a loader loads, for one rank.
struct BatchSource: Sendable {
  let dataset: any Dataset
  let sampler: Sampler
  let sharding: BatchSharding
  let transform: InputTransform
  let augmentation: Augmentation?
  let rank: Int
  let lengths: [Int32]?
  let buckets: LengthBuckets?

  /// Bytes of one converted input.
  var inputByteCount: Int { dataset.inputCount * transform.outputType.byteCount }
  /// Bytes of one label.
  var labelByteCount: Int { dataset.labelByteCount }

  /// The most rows that this rank takes in one step.
  var largestStepRows: Int {
    let accumulate = sampler.accumulate
    return sampler.stepSizes.map { size in
      // Micro-batches have one of two sizes, the larger one as often as rows are left over.
      let (rows, rest) = size.quotientAndRemainder(dividingBy: accumulate)
      let small = CheckedSize(mine(rows)) * (accumulate - rest)
      return (small + CheckedSize(mine(rows + 1)) * rest).value
    }.max() ?? 0
  }

  /// The most rows that this rank takes in one micro-batch.
  var largestMicroBatchRows: Int {
    let accumulate = sampler.accumulate
    return sampler.stepSizes.map { size in
      let (rows, rest) = size.quotientAndRemainder(dividingBy: accumulate)
      return max(mine(rows), rest == 0 ? 0 : mine(rows + 1))
    }.max() ?? 0
  }

  private func mine(_ rows: Int) -> Int { sharding.rows(of: rank, in: rows).count }

  /// Bytes of one step's rows, of the list of its samples, and of its micro-batches.
  var bufferSize: (rows: CheckedSize, samples: CheckedSize, microBatches: CheckedSize) {
    let rows = CheckedSize(largestStepRows)
    // Each micro-batch may be rounded up to the alignment, for x and for y.
    let accumulate = CheckedSize(sampler.accumulate)
    let perRow = CheckedSize(inputByteCount) + CheckedSize(labelByteCount)
    return (
      rows * perRow + accumulate * 128 + CheckedSize(64), rows * MemoryLayout<Int>.stride,
      accumulate * MemoryLayout<MicroBatch>.stride
    )
  }

  /// Bytes of what is read before it is converted, with room for one image behind it.
  var stagingSize: CheckedSize {
    let raw = CheckedSize(dataset.inputByteCount)
    let rows = CheckedSize(transform.isIdentity ? 0 : largestMicroBatchRows)
    return rows * raw + (augmentation == nil ? CheckedSize(0) : raw) + CheckedSize(64)
  }

  /// Whether the order of an epoch lies in a table.
  var hasOrderTable: Bool {
    if sampler.weighted != nil { return false }
    return switch sampler.order {
    case .sequential: false
    case .bucketed: true
    case .shuffled: sampler.count <= ComputedPermutation.largestTable
    }
  }

  /// Throws `DataError` where the buffers of two steps and the order of samples exceed the memory
  /// that is left: to ask for them would end the process.
  func checkMemory() throws {
    let buffer = bufferSize
    let step = (buffer.rows + buffer.samples + buffer.microBatches) * 2 + stagingSize
    try step.checkMemory(
      for: "batch_size: \(counted(largestStepRows, "row")) of \(inputByteCount) bytes in "
        + "\(counted(sampler.accumulate, "micro-batch", "micro-batches")) on rank \(rank)",
      advice: "lower it or use more ranks")
    try step.checkMemory(
      for: "batch_size: \(counted(largestStepRows, "row")) of \(inputByteCount) bytes on a rank",
      advice: "lower it or use more hosts", isOfEachRank: true)
    guard hasOrderTable else { return }
    try (CheckedSize(sampler.count) * 8 + step).checkMemory(
      for: "data.order: \(sampler.order.rawValue) order of "
        + "\(counted(sampler.count, "row")) on rank \(rank)",
      advice: "use order: sequential, or fewer ranks on a host")
  }
}
