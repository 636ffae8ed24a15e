import DLCluster
import DLCore
import DLTensor

/// Loads one rank's rows, a step ahead of the training, on one or several threads of its own.
///
/// Two steps' buffers are allocated at the start and used in turn; but for images that are decoded,
/// nothing is allocated later. An error met while reading ahead is thrown when the training reaches
/// that step. What is loaded does not depend on the number of threads. To be used by one thread.
package final class BatchLoader {
  private let state: LoaderState
  private var thread: SystemThread?

  /// Starts loading steps `startStep` ..< `endStep` (nil: without end) for a rank.
  ///
  /// `workers` threads share the rows of a step; with 0 the training's own reads them when it asks for
  /// them, which nothing is ahead of then. `mixing` mixes the rows of a step.
  ///
  /// `track` takes a span for each step that was read; it is free again after ``close()``.
  ///
  /// - Throws: `DataError` where sampler, sharding and data set do not fit, or there is no memory
  ///   for the batches; `ThreadError` where no thread can be started.
  package init(
    dataset: any Dataset, sampler: Sampler, sharding: BatchSharding, rank: Int,
    transform: InputTransform, augmentation: Augmentation? = nil, mixing: BatchMixing? = nil,
    workers: Int = 1, startStep: Int = 0, endStep: Int? = nil, track: Track? = nil
  ) throws {
    guard sampler.count == dataset.count else {
      throw DataError(
        "the sampler counts \(sampler.count) rows and the data set \(dataset.count), make it anew",
        exitCode: .fault)
    }
    guard rank >= 0, rank < sharding.rankCount else {
      throw DataError(
        "rank \(rank) has no share among \(sharding.rankCount), give a share for each rank")
    }
    guard transform.inputType == dataset.inputType, startStep >= 0 else {
      throw DataError(
        "the transform takes \(transform.inputType) and the data set has \(dataset.inputType), "
          + "make it anew", exitCode: .fault)
    }
    guard augmentation?.fits(dataset) ?? true else {
      throw DataError(
        "the augmentation was made for other inputs than \(dataset.inputType) "
          + "\(dataset.inputShape), make it anew", exitCode: .fault)
    }
    let lengths = dataset.rowLengths
    var buckets: LengthBuckets?
    if sampler.order == .bucketed {
      guard let lengths else {
        throw DataError(
          "data.order: bucketed needs rows of different lengths, this data set has none; use shuffled"
        )
      }
      buckets = LengthBuckets(lengths: lengths, batchSize: sampler.batchSize)
    }
    let source = BatchSource(
      dataset: dataset, sampler: sampler, sharding: sharding, transform: transform,
      augmentation: augmentation, mixing: mixing, rank: rank, workers: workers, lengths: lengths,
      buckets: buckets)
    try source.checkMemory()
    state = try LoaderState(source, steps: startStep..<max(endStep ?? Int.max, startStep), track)
    guard workers > 0 else { return }
    do {
      thread = try SystemThread("loader") { [state] in state.run() }
    } catch {
      state.end()
      throw ThreadError("loader", "to read rows")
    }
  }

  deinit { close() }

  /// The next step's rows, or nil after the last; the batch before becomes invalid.
  ///
  /// - Throws: what reading the step's rows threw, and that again at every further call.
  package func next() throws -> StepBatch? { try state.next() }

  /// Ends the thread and waits for it; further calls of `next()` give nil.
  ///
  /// Harmless when repeated.
  package func close() {
    state.close()
    thread?.join()
    thread = nil
    state.end()
  }
}

/// The state that the loader's two threads share: the buffers pass from one to the other with the
/// counters.
private final class LoaderState: @unchecked Sendable {
  private let source: BatchSource
  private let steps: Range<Int>
  private let track: Track?
  private let buffers: [StepBuffer]
  /// The threads that share the rows of a step; nil where one reads them.
  private let pool: ThreadPool?
  /// The order of the epoch in work; of the thread that reads alone.
  private var order: Permutation?
  private let stagingMemory: CheckedMemory
  private var staging: UnsafeMutableRawBufferPointer { stagingMemory.bytes }
  private let progress = Monitor(Progress())

  /// Counts of batches.
  private struct Progress {
    var loaded = 0
    var taken = 0
    var released = 0
    var failure: (any Error)?
    var isClosing = false
  }

  init(_ source: BatchSource, steps: Range<Int>, _ track: Track?) throws {
    self.source = source
    self.track = track
    self.steps = steps
    buffers = try (0..<source.bufferCount).map { _ in try StepBuffer(source) }
    stagingMemory = try CheckedMemory(byteCount: source.stagingSize, for: "batch_size")
    pool =
      source.lanes > 1
      ? try ThreadPool("loader", lanes: source.lanes, purpose: "to read rows") : nil
  }

  /// The loader's thread.
  func run() {
    for step in steps {
      guard waitForBuffer() else { return }
      do {
        try load(step)
        report(nil)
      } catch {
        return report(error)
      }
    }
  }

  private func load(_ step: Int) throws {
    let start = track == nil ? 0 : monotonicNanoseconds()
    try load(step, into: buffers[(step - steps.lowerBound) % buffers.count])
    track?.record(TimeSpan(.loading, from: start, to: monotonicNanoseconds(), detail: step + 1))
  }

  private func load(_ step: Int, into buffer: StepBuffer) throws {
    let sampler = source.sampler
    guard sampler.order != .sequential else {
      return try buffer.fill(step: step, order: SampleOrder(), staging: staging, pool: pool)
    }
    let epoch = sampler.cursor(atStep: step).epoch
    if let draws = sampler.weighted?.draws(seed: sampler.seed, epoch: epoch) {
      return try buffer.fill(
        step: step, order: SampleOrder(draws: draws), staging: staging, pool: pool)
    }
    guard source.hasOrderTable else {
      let computed = ComputedPermutation(seed: sampler.seed, epoch: epoch, count: sampler.count)
      return try buffer.fill(
        step: step, order: SampleOrder(computed: computed), staging: staging, pool: pool)
    }
    if order == nil {
      order = Permutation(
        seed: sampler.seed, epoch: epoch, count: sampler.count, buckets: source.buckets)
    } else if order?.epoch != epoch {
      order?.move(toEpoch: epoch)
    }
    try order?.indices.withUnsafeBufferPointer {
      try buffer.fill(step: step, order: SampleOrder(table: $0), staging: staging, pool: pool)
    }
  }

  private func waitForBuffer() -> Bool {
    progress.wait(until: { $0.loaded - $0.released < buffers.count || $0.isClosing }) {
      !$0.isClosing
    }
  }

  private func report(_ error: (any Error)?) {
    progress.withLock {
      if let error { $0.failure = error } else { $0.loaded += 1 }
    }
  }

  /// The training's side: gives back the buffer taken before and waits for the next.
  func next() throws -> StepBatch? {
    if source.workers == 0 { return try nextByItself() }
    progress.withLock { $0.released = $0.taken }
    return try progress.wait(
      until: {
        $0.loaded > $0.taken || $0.failure != nil || $0.isClosing || $0.taken == steps.count
      }
    ) { progress in
      if progress.isClosing || progress.taken == steps.count { return nil }
      if progress.loaded == progress.taken, let failure = progress.failure { throw failure }
      progress.taken += 1
      return buffers[(progress.taken - 1) % buffers.count].batch
    }
  }

  /// Reads the next step's rows on the training's own thread.
  private func nextByItself() throws -> StepBatch? {
    let (taken, isClosing) = progress.withLock { ($0.taken, $0.isClosing) }
    guard !isClosing, taken < steps.count else { return nil }
    try load(steps.lowerBound + taken)
    progress.withLock { $0.taken += 1 }
    return buffers[0].batch
  }

  func close() {
    progress.withLock { $0.isClosing = true }
  }

  /// Ends the threads that share the rows, once none reads.
  func end() { pool?.end() }
}
