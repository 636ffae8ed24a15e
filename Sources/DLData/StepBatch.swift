import DLCluster
import DLCore

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
  /// The labels of the rows that these are mixed with, and the weight of their own; nil where they
  /// are not mixed.
  package fileprivate(set) var mixed: (labels: UnsafeMutableRawPointer, weight: Double)?
}

/// One rank's part of the batch of an optimizer step; valid until the loader's next `next()`.
package struct StepBatch {
  /// The step, counted from 0 over all epochs.
  package let step: Int
  /// The step's place.
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
  ///
  /// - Parameter pool: the threads that share the rows; nil for this one alone.
  func fill(
    step: Int, order: SampleOrder, staging: UnsafeMutableRawBufferPointer, pool: ThreadPool?
  ) throws {
    let cursor = source.sampler.cursor(atStep: step)
    var used = 0
    var sampleCount = 0
    func take(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
      defer { used = (used + byteCount + 63) / 64 * 64 }
      return UnsafeMutableRawBufferPointer(start: memory.baseAddress! + used, count: byteCount)
    }
    let globalRows = cursor.places.count
    let mix = source.mixing?.draw(epoch: cursor.epoch, step: cursor.step)
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
        epoch: cursor.epoch, repeats: repeats, firstView: first % repeats,
        firstPlace: source.sampler.weighted == nil ? nil : first)
      let rows = ReadRows(
        rows: UnsafeBufferPointer(list), pass: pass, x: x, y: y, staging: staging)
      try source.read(rows, pool)
      guard let mix else { continue }
      let partners = source.sampler.repeats
      let before = (take(partners * source.inputByteCount), take(partners * source.labelByteCount))
      for row in 0..<min(partners, mine.count) {
        // Counted within the step's rows, cyclic.
        let place = first + row - partners - cursor.places.lowerBound
        let other = cursor.places.lowerBound + (place + partners * globalRows) % globalRows
        try withUnsafePointer(to: sample(ofRow: other, order)) { sample in
          let one = ReadRows(
            rows: UnsafeBufferPointer(start: sample, count: 1),
            pass: .init(
              epoch: cursor.epoch, repeats: repeats, firstView: other % repeats,
              firstPlace: source.sampler.weighted == nil ? nil : other),
            x: before.0.part(row, of: source.inputByteCount),
            y: before.1.part(row, of: source.labelByteCount), staging: staging)
          try source.read(one, nil)
        }
      }
      let labels = take(mine.count * source.labelByteCount)
      source.mix(mix, rows, before, into: labels)
      microBatches[index].mixed = labels.baseAddress.map { ($0, mix.weight) }
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
}
