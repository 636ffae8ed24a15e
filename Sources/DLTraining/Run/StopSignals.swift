import DLCluster
import Glibc
import Synchronization

/// The signals that end a run, taken by a thread of their own.
///
/// SIGUSR1 asks to finish the step, write a checkpoint and stop. SIGTERM and SIGINT end the process
/// at once with exit code 75: mpirun kills ranks a second after a SIGTERM, and after the death of a
/// peer no collective completes.
public final class StopSignals: Sendable {
  private struct State {
    var flag: HostFlag?
    var place = ""
    var run = ""
    var checkpoint = ""
    var isEnding = false
    var handler: (@Sendable (Int32) -> Void)?
  }

  /// How the line begins that a rank leaves when a signal ends it.
  static let suddenEnd = "terminated"

  private static let signals = [SIGUSR1, SIGTERM, SIGINT]
  private let stop = Atomic<Bool>(false)
  private let state = Mutex(State())

  /// Blocks the signals in this thread, and so in all that it starts, and starts the thread that
  /// takes them.
  ///
  /// To be called first of all, before any library starts threads. SIGPIPE is ignored from here on.
  public init() {
    signal(SIGPIPE, SIG_IGN)
    var set = StopSignals.set
    pthread_sigmask(SIG_BLOCK, &set, nil)
    StopSignals.turnAwayFromOtherThreads()
    do {
      try SystemThread("signals") { self.take() }.detach()
    } catch {
      pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
  }

  /// Whether this process was asked to stop after the step.
  public var isStopRequested: Bool { stop.load(ordering: .relaxed) }

  /// Says who this process is among its peers, and what they share to speak once.
  func join(place: String, flag: HostFlag) {
    state.withLock {
      $0.place = place
      $0.flag = flag
    }
  }

  /// Notes the run and its newest checkpoint, for the line that a sudden end leaves.
  func note(run: String, checkpoint: String?) {
    state.withLock {
      $0.run = run
      $0.checkpoint = checkpoint ?? ""
    }
  }

  /// Hands every signal to `handler` from here on, on the thread that takes them.
  func divert(_ handler: @escaping @Sendable (Int32) -> Void) {
    state.withLock { $0.handler = handler }
  }

  /// From here on a signal ends the process without a word: what there was to say was said.
  func silence() { state.withLock { $0.isEnding = true } }

  /// Whether this process is the first of its host to report the end.
  func claim() -> Bool {
    state.withLock { state in
      defer { state.isEnding = true }
      return !state.isEnding && (state.flag?.claim() ?? true)
    }
  }

  /// What is left of the run, and how to go on with it.
  var advice: String {
    let (run, noted) = state.withLock { ($0.run, $0.checkpoint) }
    if run.isEmpty { return "nothing was saved" }
    // Ranks other than the first are not told of every checkpoint; the folder tells them.
    let checkpoint = CheckpointFolder(path: run + "/checkpoints").latest ?? noted
    return checkpoint.isEmpty
      ? "no checkpoint was written yet, start anew"
      : "the last checkpoint is \(checkpoint), go on with --resume auto --out \(run)"
  }

  private static var set: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in signals { sigaddset(&set, number) }
    return set
  }

  /// Keeps the signals from threads that libraries started before `main`, as OpenBLAS does.
  ///
  /// There they are not blocked. A signal that such a thread receives is blocked in it for good and
  /// sent again, to arrive at last where it is waited for.
  private static func turnAwayFromOtherThreads() {
    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = { number, _, context in
      if let context {
        sigaddset(&context.assumingMemoryBound(to: ucontext_t.self).pointee.uc_sigmask, number)
      }
      kill(getpid(), number)
    }
    action.sa_flags = SA_SIGINFO | SA_RESTART
    for number in signals { sigaction(number, &action, nil) }
  }

  private func take() {
    var set = StopSignals.set
    while true {
      var number: Int32 = 0
      guard sigwait(&set, &number) == 0 else { continue }
      if let handler = state.withLock({ $0.handler }) {
        handler(number)
        continue
      }
      if number == SIGUSR1 {
        stop.store(true, ordering: .relaxed)
        continue
      }
      let place = state.withLock { $0.place }
      if claim() {
        let cause =
          number == SIGINT
          ? "interrupted" : place.isEmpty ? "terminated" : "terminated, or a peer rank has died"
        let start = Console.isTerminal ? "\n" : ""
        Console.error("\(start)dltrain: \(cause)\(place): \(advice)\n")
      }
      _exit(ExitCode.resumable.rawValue)
    }
  }
}
