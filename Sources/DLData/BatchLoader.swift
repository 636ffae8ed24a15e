import DLCluster
import DLTensor
import Glibc

/// Loads one rank's rows, a step ahead of the training, on a thread of its own.
///
/// Two steps' buffers are allocated at the start and used in turn; nothing is allocated later. An
/// error met while reading ahead is thrown when the training reaches that step. To be used by one
/// thread.
public final class BatchLoader {
  private let state: LoaderState
  private var thread: SystemThread?

  /// Starts loading steps `startStep` ..< `endStep` (nil: without end) for a rank.
  ///
  /// `track` takes a span for each step that was read; it is free again after ``close()``.
  ///
  /// Throws `DataError` where sampler, sharding and data set do not fit, `ClusterError` where no
  /// thread can be started.
  public init(
    dataset: any Dataset, sampler: Sampler, sharding: BatchSharding, rank: Int,
    transform: InputTransform, augmentation: Augmentation? = nil, startStep: Int = 0,
    endStep: Int? = nil, track: Track? = nil
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
      augmentation: augmentation, rank: rank, lengths: lengths,
      buckets: buckets)
    try source.checkMemory()
    state = LoaderState(source, steps: startStep..<max(endStep ?? Int.max, startStep), track)
    thread = try SystemThread("loader") { [state] in state.run() }
  }

  deinit { close() }

  /// The next step's rows, or nil after the last; the batch before becomes invalid.
  ///
  /// Throws what the data set threw for this step, and again at every further call.
  public func next() throws -> StepBatch? { try state.next() }

  /// Ends the thread and waits for it; further calls of `next()` give nil.
  ///
  /// Harmless when repeated.
  public func close() {
    guard let thread else { return }
    state.close()
    thread.join()
    self.thread = nil
  }
}

/// What the loader's two threads share; the counters are guarded by the mutex, the buffers pass
/// from one thread to the other with them.
private final class LoaderState: @unchecked Sendable {
  private let source: BatchSource
  private let steps: Range<Int>
  private let track: Track?
  private let buffers: [StepBuffer]
  private let staging: UnsafeMutableRawBufferPointer
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>

  private var loaded = 0
  private var taken = 0
  private var released = 0
  private var failure: (any Error)?
  private var closing = false

  init(_ source: BatchSource, steps: Range<Int>, _ track: Track?) {
    self.source = source
    self.track = track
    self.steps = steps
    buffers = [StepBuffer(source), StepBuffer(source)]
    let rows = source.transform.isIdentity ? 0 : source.largestMicroBatchRows
    let scratch = source.augmentation == nil ? 0 : source.dataset.inputByteCount
    staging = .allocate(
      byteCount: rows * source.dataset.inputByteCount + scratch + 64, alignment: 64)
    mutex = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
    staging.deallocate()
  }

  /// The loader's thread.
  func run() {
    var order: Permutation?
    for step in steps {
      guard waitForBuffer() else { return }
      let buffer = buffers[(step - steps.lowerBound) % 2]
      do {
        let start = track == nil ? 0 : monotonicNanoseconds()
        try load(step, into: buffer, order: &order)
        track?.record(
          TimeSpan(.loading, from: start, to: monotonicNanoseconds(), detail: step + 1))
        report(nil)
      } catch {
        return report(error)
      }
    }
  }

  private func load(_ step: Int, into buffer: StepBuffer, order: inout Permutation?) throws {
    let sampler = source.sampler
    guard sampler.order != .sequential else {
      return try buffer.fill(step: step, order: nil, staging: staging)
    }
    let epoch = sampler.cursor(atStep: step).epoch
    if order == nil {
      order = Permutation(
        seed: sampler.seed, epoch: epoch, count: sampler.count, buckets: source.buckets)
    } else if order?.epoch != epoch {
      order?.move(toEpoch: epoch)
    }
    try order?.indices.withUnsafeBufferPointer {
      try buffer.fill(step: step, order: $0, staging: staging)
    }
  }

  private func waitForBuffer() -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while loaded - released >= buffers.count, !closing { pthread_cond_wait(changed, mutex) }
    return !closing
  }

  private func report(_ error: (any Error)?) {
    pthread_mutex_lock(mutex)
    if let error { failure = error } else { loaded += 1 }
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }

  /// The training's side: gives back the buffer taken before and waits for the next.
  func next() throws -> StepBatch? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    released = taken
    pthread_cond_broadcast(changed)
    while loaded == taken, failure == nil, !closing, taken < steps.count {
      pthread_cond_wait(changed, mutex)
    }
    if closing || taken == steps.count { return nil }
    if loaded == taken, let failure { throw failure }
    taken += 1
    return buffers[(taken - 1) % buffers.count].batch
  }

  func close() {
    pthread_mutex_lock(mutex)
    closing = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }
}
