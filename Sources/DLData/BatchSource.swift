import DLCluster
import DLCore
import DLTensor

/// The rows that a loader loads, for one rank.
struct BatchSource: Sendable {
  let dataset: any Dataset
  let sampler: Sampler
  let sharding: BatchSharding
  let transform: InputTransform
  let augmentation: Augmentation?
  let mixing: BatchMixing?
  let rank: Int
  /// Threads that read; 0 for the training's own.
  let workers: Int
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
    var bytes = rows * perRow + accumulate * 128 + CheckedSize(64)
    if mixing != nil {
      // Partners in front of each micro-batch, and the labels of all partners.
      bytes = bytes + accumulate * (CheckedSize(sampler.repeats) * perRow + CheckedSize(192))
      bytes = bytes + rows * CheckedSize(labelByteCount)
    }
    return (
      bytes, rows * MemoryLayout<Int>.stride,
      accumulate * MemoryLayout<MicroBatch>.stride
    )
  }

  /// Steps whose rows are in memory at once.
  var bufferCount: Int { workers == 0 ? 1 : 2 }

  /// Threads that share the rows of a step.
  var lanes: Int { max(workers, 1) }

  /// Bytes of what is read before it is converted, with room for one image of each thread behind it.
  var stagingSize: CheckedSize {
    let raw = CheckedSize(dataset.inputByteCount)
    let rows = CheckedSize(transform.isIdentity ? 0 : largestMicroBatchRows)
    return rows * raw + (augmentation == nil ? CheckedSize(0) : raw * lanes) + CheckedSize(64)
  }

  /// True if the order of an epoch lies in a table.
  var hasOrderTable: Bool {
    if sampler.weighted != nil { return false }
    return switch sampler.order {
    case .sequential: false
    case .bucketed: true
    case .shuffled: sampler.count <= ComputedPermutation.largestTable
    }
  }

  /// - Throws: `DataError` where the buffers of two steps and the order of samples exceed the
  ///   memory that is left: to ask for them would end the process.
  func checkMemory() throws {
    let buffer = bufferSize
    let step = (buffer.rows + buffer.samples + buffer.microBatches) * bufferCount + stagingSize
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

/// Rows to read, in buffers of their size.
struct ReadRows {
  let rows: UnsafeBufferPointer<Int>
  let pass: Augmentation.Pass
  let x: UnsafeMutableRawBufferPointer
  let y: UnsafeMutableRawBufferPointer
  let staging: UnsafeMutableRawBufferPointer
}

extension BatchSource {
  /// Reads, changes and converts rows, in pieces that the threads of a pool share.
  ///
  /// - Throws: what the first row that cannot be read throws.
  func read(_ batch: ReadRows, _ pool: ThreadPool?) throws {
    guard let pool else { return try read(0..<batch.rows.count, of: batch, lane: 0) }
    // Some pieces for each thread, since images take different times.
    let size = max(1, batch.rows.count / (4 * pool.lanes))
    let count = (batch.rows.count + size - 1) / size
    try pool.each(count) { piece, lane in
      let rows = piece * size..<min((piece + 1) * size, batch.rows.count)
      try read(rows, of: batch, lane: lane)
    }
  }

  private func read(_ range: Range<Int>, of batch: ReadRows, lane: Int) throws {
    let rows = UnsafeBufferPointer(rebasing: batch.rows[range])
    let x = batch.x.part(range, of: inputByteCount)
    let y = batch.y.part(range, of: labelByteCount)
    let size = dataset.inputByteCount
    let raw = transform.isIdentity ? x : batch.staging.part(range, of: size)
    if let augmentation {
      // The staging memory ends with room for one image of each thread.
      let end = batch.staging.count - lane * size
      let scratch = UnsafeMutableRawBufferPointer(rebasing: batch.staging[end - size..<end])
      var pass = batch.pass
      pass.firstView = (pass.firstView + range.lowerBound) % pass.repeats
      pass.firstPlace = pass.firstPlace.map { $0 + range.lowerBound }
      try augmentation.read(
        rows, of: dataset, in: pass, inputs: raw, labels: y, scratch: scratch)
    } else {
      try dataset.read(rows: rows, inputs: raw, labels: y)
    }
    guard !transform.isIdentity, let from = raw.baseAddress, let to = x.baseAddress else { return }
    transform.apply(from, count: rows.count * dataset.inputCount, into: to)
  }

  /// Mixes rows with those `before.x.count` rows before them, and writes the labels of these.
  func mix(
    _ mix: BatchMixing.Mix, _ batch: ReadRows,
    _ before: (x: UnsafeMutableRawBufferPointer, y: UnsafeMutableRawBufferPointer),
    into labels: UnsafeMutableRawBufferPointer
  ) {
    guard let mixing else { return }
    // From the last row on, so that a partner is still as it was read.
    for row in batch.rows.indices.reversed() {
      let place = row - sampler.repeats
      func partner(
        _ rows: UnsafeMutableRawBufferPointer, _ first: UnsafeMutableRawBufferPointer, _ size: Int
      ) -> UnsafeMutableRawBufferPointer {
        place >= 0 ? rows.part(place, of: size) : first.part(row, of: size)
      }
      if let x = batch.x.part(row, of: inputByteCount).baseAddress,
        let other = partner(batch.x, before.x, inputByteCount).baseAddress
      {
        mixing.apply(mix, to: x, partner: other, type: transform.outputType)
      }
      labels.part(row, of: labelByteCount).copyMemory(
        from: UnsafeRawBufferPointer(partner(batch.y, before.y, labelByteCount)))
    }
  }
}

extension UnsafeMutableRawBufferPointer {
  /// The rows of a range, each of so many bytes.
  fileprivate func part(_ rows: Range<Int>, of size: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: self[rows.lowerBound * size..<rows.upperBound * size])
  }

  /// One row of so many bytes.
  func part(_ row: Int, of size: Int) -> UnsafeMutableRawBufferPointer {
    part(row..<row + 1, of: size)
  }
}
