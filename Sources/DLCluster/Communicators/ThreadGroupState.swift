import CSystem
import DLCore

/// Nanoseconds that a rank with a core of its own waits awake: ranks of a step come within a few
/// milliseconds of each other, and a core that was put to sleep is late, in virtual machines above
/// all.
let spinNanoseconds: UInt32 = 2_000_000

/// The facts that one thread tells the others at the start of a collective.
struct ThreadCall {
  enum Op: Int32 {
    case allreduce, allgather, broadcast, barrier, split, share
  }

  var op: Op
  /// An element count or a byte count, the same on all threads.
  var size = 0
  /// An element type or a root, the same on all threads too.
  var detail = 0
  /// The thread's own buffer.
  var pointer: UnsafeMutableRawPointer?
  /// The thread's own values in a split.
  var color = 0, key = 0
}

/// The shared state of threads that take part in the same collectives.
///
/// A collective is `enter`, any number of `synchronize`, and `synchronize` before any thread leaves
/// that another may still read from. Only `enter` can fail because of a peer, and then it fails for
/// all: behind it every thread arrives at every later barrier, so no buffer goes while it is in
/// use.
final class ThreadGroupState: Abortable, @unchecked Sendable {
  let size: Int
  /// The threads of the process that the members are.
  let members: [Int]
  let spins: Bool
  let failureFlag: FailureFlag
  /// The values that the leader hands to the others, between two barriers.
  var published: [any Sendable] = []
  private let barrier: OpaquePointer
  // Two rows, used in turn: a thread may be one collective ahead of another that still compares.
  private let calls: UnsafeMutablePointer<ThreadCall>
  private let turns: UnsafeMutablePointer<Int>

  /// `spins` says that there is a core for every thread that may wait.
  init(members: [Int], spins: Bool, failureFlag: FailureFlag) throws {
    size = members.count
    self.members = members
    self.spins = spins
    self.failureFlag = failureFlag
    guard let barrier = dl_barrier_create(UInt32(members.count), spins ? spinNanoseconds : 0) else {
      throw ClusterError.system(
        op: "barrier", errno: 12, detail: "no barrier for \(members.count) threads")
    }
    self.barrier = barrier
    calls = .allocate(capacity: 2 * members.count)
    calls.initialize(repeating: ThreadCall(op: .barrier), count: 2 * members.count)
    turns = .allocate(capacity: members.count)
    turns.initialize(repeating: 0, count: members.count)
    failureFlag.add(self)
  }

  deinit {
    dl_barrier_destroy(barrier)
    calls.deallocate()
    turns.deallocate()
  }

  /// Publishes a thread's call and waits until all make the same; throws on all if they do not.
  ///
  /// Returns the calls of all members, valid until this member's next call but one.
  func enter(
    _ call: ThreadCall, index: Int, rank: Int, size communicatorSize: Int
  ) throws -> UnsafePointer<ThreadCall> {
    turns[index] ^= 1
    let row = calls + turns[index] * size
    row[index] = call
    guard dl_barrier_wait(barrier, 1) == 0 else {
      throw ClusterError.peerFailed(op: "\(call.op)", rank: rank, size: communicatorSize)
    }
    let first = row[0]
    for other in 0..<size
    where row[other].op != first.op || row[other].size != first.size
      || row[other].detail != first.detail
    {
      throw ClusterError.mismatch(
        op: "\(call.op)", rank: rank, size: communicatorSize,
        detail: "\(show(first)) on one, \(show(row[other])) on another")
    }
    return UnsafePointer(row)
  }

  /// Waits for all threads, whatever happens to others in the process.
  func synchronize() { _ = dl_barrier_wait(barrier, 0) }

  func abort() { dl_barrier_poison(barrier) }

  private func show(_ call: ThreadCall) -> String { "\(call.op)(\(call.size), \(call.detail))" }
}

/// A thing that threads wait in, and must not when one of them is gone.
protocol Abortable: AnyObject, Sendable {
  /// The threads of the process without which nothing completes.
  var members: [Int] { get }

  /// Ends the waiting, and all that comes.
  func abort()
}

/// Carries the news of a failed thread to every group of the process.
final class FailureFlag: Sendable {
  private struct Entry {
    weak var group: (any Abortable)?
  }
  private struct State {
    var groups: [Entry] = []
    var failed = false
    var gone: Set<Int> = []
  }
  private let state = Monitor(State())

  func add(_ group: any Abortable) {
    let late = state.withLock { state in
      state.groups.removeAll { $0.group == nil }
      state.groups.append(Entry(group: group))
      return state.failed || !state.gone.isDisjoint(with: group.members)
    }
    if late { group.abort() }
  }

  /// A thread has thrown: no collective of the process can complete.
  func fail() {
    poison {
      $0.failed = true
    } with: { _ in
      true
    }
  }

  /// A thread has returned: collectives that it belongs to cannot complete.
  func leave(_ thread: Int) {
    poison {
      $0.gone.insert(thread)
    } with: {
      $0.members.contains(thread)
    }
  }

  private func poison(_ mark: (inout State) -> Void, with choose: (any Abortable) -> Bool) {
    let groups = state.withLock { state in
      mark(&state)
      return state.groups.compactMap(\.group)
    }
    for group in groups where choose(group) { group.abort() }
  }
}
