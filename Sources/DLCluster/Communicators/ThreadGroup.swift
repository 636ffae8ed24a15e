import CSystem
import DLCore

/// Ranks that are threads of one process.
package enum ThreadGroup {
  /// The stack of a rank's thread: 64 MiB.
  package static let defaultStackBytes = 64 << 20

  /// Runs `body` on one POSIX thread per rank and returns what the ranks return, in rank order.
  ///
  /// If a rank throws, or returns while others are in a collective, the others' collectives throw
  /// ``ClusterError/peerFailed(op:rank:size:)``. `run` ends when all have.
  ///
  /// - Throws: the error of the lowest rank that failed for a reason of its own; `SystemError`
  ///   where the system refuses a thread; `ClusterError` unless there are 1 to 1024 ranks, or
  ///   without memory for their barrier.
  @discardableResult
  package static func run<R: Sendable>(
    ranks: Int, stackBytes: Int = defaultStackBytes,
    body: @escaping @Sendable (any Communicator) throws -> R
  ) throws -> [R] {
    guard (1...1024).contains(ranks) else {
      throw ClusterError.invalidArgument(
        op: "thread group", rank: 0, size: ranks, detail: "a group has 1 to 1024 ranks")
    }
    let failureFlag = FailureFlag()
    let group = try ThreadGroupState(
      members: Array(0..<ranks), spins: Int(dl_cores_in_mask()) >= ranks, failureFlag: failureFlag)
    return try runThreads(count: ranks, stackBytes: stackBytes, failureFlag: failureFlag) {
      try body(ThreadCommunicator(rank: $0, group: group))
    }
  }
}

/// Runs `body` on `count` threads; a thread that ends spreads the news by `failureFlag`.
func runThreads<R: Sendable>(
  count: Int, stackBytes: Int, failureFlag: FailureFlag, body: @escaping @Sendable (Int) throws -> R
) throws -> [R] {
  let outcomes = Outcomes<R>(count: count)
  var threads: [SystemThread] = []
  var refused: SystemError?
  for index in 0..<count {
    do {
      threads.append(
        try SystemThread("rank \(index)", takesSignals: true, stackBytes: stackBytes) {
          let outcome = Result { try body(index) }
          outcomes.slots.withLock { $0[index] = outcome }
          if case .failure = outcome { failureFlag.fail() } else { failureFlag.leave(index) }
        })
    } catch {
      refused = error
      failureFlag.fail()
      break
    }
  }
  for thread in threads { thread.join() }
  if let refused { throw refused }

  let results = outcomes.slots.withLock { $0.compactMap { $0 } }
  let errors = results.compactMap { result -> (any Error)? in
    if case .failure(let error) = result { error } else { nil }
  }
  let own = errors.first { !(($0 as? ClusterError)?.isPeerFailure ?? false) }
  if let error = own ?? errors.first { throw error }
  return try results.map { try $0.get() }
}

private final class Outcomes<R: Sendable>: Sendable {
  let slots: Monitor<[Result<R, any Error>?]>
  init(count: Int) { slots = Monitor(Array(repeating: nil, count: count)) }
}
