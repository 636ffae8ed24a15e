import CSystem
import DLCore

/// The sums of a step's gradients, bucket by bucket, while the ranks go on with the backward pass.
///
/// Every rank tells of each bucket once its own gradients there are complete. A communication thread
/// of each process takes the buckets from the last to the first, waits for the ranks of its domain,
/// and exchanges sums with other domains by blocking calls on a communicator of its own. The sums
/// have the bits that ``ShardedReducer/reduce(_:blocks:type:summed:)`` gives.
package final class OverlappedReduction {
  private let thread: ExchangeThread
  private let ready: SharedMemory
  private let isLeader: Bool
  private let rank: Int
  private let size: Int
  private var steps: UInt32 = 0

  init(_ thread: ExchangeThread, ready: SharedMemory, isLeader: Bool, rank: Int, size: Int) {
    self.thread = thread
    self.ready = ready
    self.isLeader = isLeader
    self.rank = rank
    self.size = size
  }

  deinit { isLeader ? thread.stop() : thread.abort() }

  static let strideBytes = 64

  static func readyBytes(_ buckets: Int) -> Int { max(buckets, 1) * strideBytes }

  /// Says that this rank's gradients of a bucket are complete; once for each bucket in a step.
  package func didComplete(_ bucket: Int) {
    dl_count_up(
      (ready.pointer + bucket * OverlappedReduction.strideBytes).assumingMemoryBound(
        to: UInt32.self))
  }

  /// Returns when this rank's shares of all buckets hold the sums over all ranks.
  ///
  /// - Throws: `ClusterError` of the exchange, or where a rank of the process has failed.
  package func finish() throws {
    steps &+= 1
    guard thread.wait(steps) else {
      throw ClusterError.peerFailed(op: "reduce", rank: rank, size: size)
    }
    if let failure = thread.failure { throw failure }
  }

  /// Ends the thread between two steps; collective, and all ranks have finished their last step.
  ///
  /// - Throws: `ClusterError` where MPI cannot free the thread's communicator.
  package func close() throws {
    if isLeader { try thread.close() }
  }
}

/// The communication thread of a process.
final class ExchangeThread: Abortable, @unchecked Sendable {
  /// The things that the thread works on, for as long as it lives.
  struct Work {
    let route: InterNodeReducer
    let processes: MPICommunicator
    let buckets: [[Int]]
    let peers: Table<UnsafeRawPointer?>
    let owners: [ShareOwner]
    let type: ElementType
    let ready: SharedMemory
    let members: Int
    let track: Track?
    /// Keeps the gradients' memory.
    let arena: AnyObject
  }

  private let work: Work
  private let done: UnsafeMutablePointer<UInt32>
  private let stopped: UnsafeMutablePointer<UInt32>
  private var thread: SystemThread?
  private let failed = Monitor((any Error)?.none)

  init(_ work: Work) throws {
    self.work = work
    done = .allocate(capacity: 1)
    done.initialize(to: 0)
    stopped = .allocate(capacity: 1)
    stopped.initialize(to: 0)
    // The thread keeps this object until it has ended.
    thread = try SystemThread("exchange") { self.run() }
  }

  deinit {
    done.deallocate()
    stopped.deallocate()
  }

  var members: [Int] { [] }

  /// The bytes that it has sent.
  var traffic: VolumeCount { work.route.traffic }

  /// The error that an exchange threw.
  var failure: (any Error)? { failed.withLock { $0 } }

  func abort() { stopped.pointee = 1 }

  /// Waits for the exchanges of as many steps; false where the thread was told to stop.
  func wait(_ steps: UInt32) -> Bool {
    dl_count_wait(done, steps &* UInt32(work.buckets.count), stopped) == 0
  }

  /// Has the thread end by itself: one that waits in an exchange whose peers are gone never does.
  func stop() {
    abort()
    thread?.detach()
    thread = nil
  }

  /// Ends the thread, which is between two steps.
  func close() throws {
    guard let thread else { return }
    abort()
    thread.join()
    self.thread = nil
    try work.processes.close()
  }

  private func run() {
    var step: UInt32 = 0
    while true {
      step &+= 1
      for bucket in work.buckets.indices.reversed() {
        let count = work.ready.pointer + bucket * OverlappedReduction.strideBytes
        guard
          dl_count_wait(
            count.assumingMemoryBound(to: UInt32.self), step &* UInt32(work.members), stopped) == 0
        else { return }
        exchange(work.buckets[bucket])
        dl_count_up(done)
      }
    }
  }

  private func exchange(_ cuts: [Int]) {
    guard failure == nil else { return }
    let start = monotonicNanoseconds()
    do {
      try work.route.reduce(cuts, peers: work.peers, owners: work.owners, type: work.type)
    } catch {
      failed.withLock { $0 = error }
    }
    let bytes = ((cuts.last ?? 0) - (cuts.first ?? 0)) * work.type.byteCount
    work.track?.record(
      TimeSpan(.reduction, from: start, to: monotonicNanoseconds(), detail: bytes))
  }
}
