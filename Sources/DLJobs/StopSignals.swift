import DLCluster
import DLCore
import DLFormats
import DLTraining
import Glibc
import Synchronization

/// The signals that end a run, taken by a thread of their own.
///
/// SIGUSR1 asks to finish the step, write a checkpoint and stop; so do SIGINT, SIGTERM and SIGHUP
/// where whoever started the ranks leaves them the time. Under mpirun they end the process at once:
/// it kills ranks a second after a SIGTERM, and after the death of a peer no collective completes.
package final class StopSignals: Sendable {
  private struct State {
    var notes = HostNotes()
    var place = ""
    var job = ""
    var leavesTimeToSave = false
    var isTraining = false
    var isStepping = false
    var run = ""
    /// The run folder that the command line names, where a supervisor looks for the end.
    var out = ""
    var checkpoint = ""
    var record: RunRecord?
    var isEnding = false
    /// When the run was asked to stop by a signal that would else have ended it.
    var asked: Double?
    var handler: (@Sendable (Int32) -> Void)?
  }

  /// Seconds within which signals count as one: `timeout` sends each to the program and to its
  /// group, and a terminal's may be passed on once more.
  private static let oneSignalSeconds = 0.2
  /// Seconds for the last lines of the metrics, where the disk does not answer.
  private static let recordSeconds = 3.0

  private let numbers: [Int32]
  private let stop = Atomic<Bool>(false)
  private let state = Mutex(State())

  /// Blocks the signals in this thread, and so in all that it starts, and starts the thread that
  /// takes them.
  ///
  /// To be called first of all, before any library starts threads. SIGPIPE is ignored from here on,
  /// and SIGHUP stays ignored where it is, as under nohup.
  package init() {
    var hangUp = sigaction()
    sigaction(SIGHUP, nil, &hangUp)
    let isIgnored =
      unsafeBitCast(hangUp.__sigaction_handler.sa_handler, to: Int.self)
      == unsafeBitCast(SIG_IGN, to: Int.self)
    numbers = [SIGUSR1, SIGTERM, SIGINT] + (isIgnored ? [] : [SIGHUP])
    signal(SIGPIPE, SIG_IGN)
    // A limit of files (ulimit -f) is told where a file is written, as a full disk is.
    signal(SIGXFSZ, SIG_IGN)
    StopSignals.leaveCrashesToTheSystem()
    var set = StopSignals.set(numbers)
    pthread_sigmask(SIG_BLOCK, &set, nil)
    turnAwayFromOtherThreads()
    do {
      try SystemThread("signals") { self.take() }.detach()
    } catch {
      pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }
  }

  /// True if this process was asked to stop after the step.
  package var isStopRequested: Bool { stop.load(ordering: .relaxed) }

  /// Says who this process is among its peers, and what they share to speak once.
  ///
  /// - Parameters:
  ///   - job: the same on all processes of the job, and another for each job.
  ///   - leavesTimeToSave: whether a process that a signal reaches may go on for a while.
  func join(place: String, job: String, notes: HostNotes, leavesTimeToSave: Bool) {
    state.withLock {
      $0.place = place
      $0.job = job
      $0.notes = notes
      $0.leavesTimeToSave = leavesTimeToSave
    }
  }

  /// Notes that this process trains.
  ///
  /// - Parameter out: the run folder that the command line names.
  func noteTraining(out: String?) {
    state.withLock {
      $0.isTraining = true
      $0.out = EndFile.ownLaunch.isEmpty ? "" : out ?? ""
    }
  }

  /// Notes that the first step is about to begin: from here on there is something to save.
  package func noteSteps() { state.withLock { $0.isStepping = true } }

  /// Notes the run and its newest checkpoint, for the line that a sudden end leaves.
  func note(run: String, checkpoint: String?) {
    state.withLock {
      $0.run = run
      $0.checkpoint = checkpoint ?? ""
    }
  }

  /// Notes the run's record, which every end closes.
  func note(record: RunRecord) {
    let job = state.withLock {
      $0.record = record
      return $0.job
    }
    EndFile.removeEarlier(than: job, launch: EndFile.ownLaunch, in: record.folder)
  }

  /// Hands every signal to `handler` from here on, on the thread that takes them.
  func handle(_ handler: @escaping @Sendable (Int32) -> Void) {
    state.withLock { $0.handler = handler }
  }

  /// From here on a signal ends the process without a word: what there was to say was said.
  func silence() {
    state.withLock { state in
      state.isEnding = true
      state.notes.noteLeaving()
    }
  }

  /// Returns whether this process is the first of its host to report the end.
  func claim() -> Bool {
    state.withLock { state in
      defer { state.isEnding = true }
      guard !state.isEnding, state.notes.claim() else { return false }
      return !state.place.isEmpty || StopSignals.claimStart()
    }
  }

  /// The number that its launcher gave this process; 0 without one.
  static var startRank: Int {
    let number = getenv("OMPI_COMM_WORLD_RANK") ?? getenv("PMI_RANK")
    return number.flatMap { Int(String(cString: $0)) } ?? 0
  }

  /// True if this process is the first of all by the number that its launcher gave it.
  static var isFirstToStart: Bool { startRank == 0 }

  /// Returns whether this process speaks for all while they do not know each other yet: the first
  /// of its host to ask, where mpirun has made a folder for the job, which it removes at the end;
  /// else rank 0.
  static func claimStart() -> Bool {
    guard let folder = getenv("PMIX_SERVER_TMPDIR").map({ String(cString: $0) }), !folder.isEmpty
    else { return isFirstToStart }
    let descriptor = open(folder + "/dltrain-end", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
    guard descriptor < 0 else {
      Glibc.close(descriptor)
      return true
    }
    return errno != EEXIST && isFirstToStart
  }

  /// Ends the run's record, and tells the other processes of the host why.
  ///
  /// Where it was ended already, as by the trainer that failed, this changes nothing.
  ///
  /// - Parameters:
  ///   - speaks: whether this process has claimed to report the end.
  ///   - kind: what it writes to the run folder then; nil for nothing, as where all ranks agreed.
  ///   - details: what else is known.
  func close(
    _ verdict: HostNotes.Verdict, speaks: Bool, kind: EndFile.Kind? = nil,
    details: [JSON.Member] = []
  ) {
    let (notes, record, run, out, job) = state.withLock {
      ($0.notes, $0.record, $0.run, $0.out, $0.job)
    }
    let folder = run.isEmpty ? out : run
    let end: EndFile? =
      speaks && !folder.isEmpty
      ? kind.map {
        EndFile(
          kind: $0, exitCode: verdict.exitCode, message: verdict.message,
          launch: EndFile.ownLaunch, job: job, details: details)
      } : nil
    notes.noteLeaving()
    if speaks { notes.say(verdict) }
    let isFirstLost = record == nil && speaks && !run.isEmpty && notes.lost.contains(0)
    guard end != nil || record != nil || isFirstLost else { return }
    StopSignals.within(StopSignals.recordSeconds) {
      try? end?.write(to: folder)
      if let record {
        try? record.end(
          verdict.reason, exitCode: verdict.exitCode, message: verdict.message, isSudden: true)
      } else if isFirstLost {
        // The rank that has the record is dead.
        RunRecord.close(
          run, verdict.reason, exitCode: verdict.exitCode, message: verdict.message)
      }
    }
  }

  /// The remains of the run.
  var rest: RunRest {
    let state = state.withLock { ($0.isTraining, $0.run, $0.checkpoint) }
    return RunRest(isTraining: state.0, run: state.1, noted: state.2)
  }

  /// The reason why another process of this host says that the job ends; nil where none has.
  var verdictOfOthers: HostNotes.Verdict? { state.withLock { $0.notes }.verdict }

  /// That processes of this host have died; nil where none has.
  private func lostVerdict(exitCode: Int32) -> HostNotes.Verdict? {
    let lost = state.withLock { $0.notes }.lost
    return lost.isEmpty
      ? nil
      : HostNotes.Verdict(
        reason: .lostRank, exitCode: exitCode,
        message: "lost \(StallReport.list(lost)), whose process has ended")
  }

  /// Ends this process as the signal would have: what started it sees which one it was, a shell as
  /// 128 and its number.
  static func endProcess(by number: Int32) -> Never {
    signal(number, SIG_DFL)
    var set = StopSignals.set([number])
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    raise(number)
    // The first process of a container is not ended by its own signals.
    _exit(128 + number)
  }

  private static func set(_ numbers: [Int32]) -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in numbers { sigaddset(&set, number) }
    return set
  }

  /// Runs `body` on another thread, and waits for it so long.
  private static func within(_ seconds: Double, _ body: @escaping @Sendable () -> Void) {
    let isDone = Monitor(false)
    let thread = try? SystemThread("end") {
      body()
      isDone.withLock { $0 = true }
    }
    guard let thread else { return }
    thread.detach()
    isDone.wait(until: { $0 }, atMost: seconds) { _ in }
  }

  /// Lets a crash end the process at once, unless SWIFT_BACKTRACE asks for more.
  ///
  /// Swift's runtime would stop all threads by SIGUSR1 first, to print their stacks: here that waits for
  /// threads that never stop, and asks for a checkpoint of what has crashed.
  private static func leaveCrashesToTheSystem() {
    guard getenv("SWIFT_BACKTRACE") == nil else { return }
    let crashes = [SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV]
    for number in crashes { signal(number, SIG_DFL) }
    // What starts this program may have blocked them.
    var set = set(crashes)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  /// Keeps the signals from threads that libraries started before `main`, as OpenBLAS does.
  ///
  /// There they are not blocked. A signal that such a thread receives is blocked in it for good and
  /// sent again, to arrive at last where it is waited for.
  private func turnAwayFromOtherThreads() {
    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = { number, _, context in
      if let context {
        sigaddset(&context.assumingMemoryBound(to: ucontext_t.self).pointee.uc_sigmask, number)
      }
      kill(getpid(), number)
    }
    action.sa_flags = SA_SIGINFO | SA_RESTART
    for number in numbers { sigaction(number, &action, nil) }
  }

  private func take() {
    var set = StopSignals.set(numbers)
    while true {
      var number: Int32 = 0
      guard sigwait(&set, &number) == 0 else { continue }
      if let handler = state.withLock({ $0.handler }) {
        handler(number)
      } else if number == SIGUSR1 {
        stop.store(true, ordering: .relaxed)
      } else if !asks(number) {
        leave(number)
      }
    }
  }

  /// Takes the signal as the wish to stop after the step, where there is the time; false where it
  /// ends the process.
  ///
  /// A second Ctrl-C ends it. A second SIGTERM does not: Slurm sends it to the ranks, and once more by
  /// srun; who cannot wait has SIGKILL.
  private func asks(_ number: Int32) -> Bool {
    let now = monotonicSeconds()
    let (isAsked, isNew, notes) = state.withLock { state in
      guard state.leavesTimeToSave, state.isStepping else { return (false, false, state.notes) }
      guard let asked = state.asked else {
        state.asked = now
        return (true, true, state.notes)
      }
      return (number != SIGINT || now - asked < StopSignals.oneSignalSeconds, false, state.notes)
    }
    guard isAsked else { return false }
    stop.store(true, ordering: .relaxed)
    if isNew, notes.claimAnswer() {
      let start = Terminal.isTerminal ? "\n" : ""
      Terminal.error(
        "\(start)dltrain: told to stop: finishing the step and writing a checkpoint"
          + (number == SIGINT ? "; Ctrl-C again leaves at once" : "") + "\n")
    }
    return true
  }

  private func leave(_ number: Int32) -> Never {
    let rest = rest
    let code = rest.isResumable ? ExitCode.resumable.rawValue : 128 + number
    let (place, notes) = state.withLock { ($0.place, $0.notes) }
    let speaks = claim()
    var verdict = HostNotes.Verdict(
      reason: .interrupted, exitCode: code, message: number == SIGINT ? "interrupted" : "terminated"
    )
    if !speaks, let said = notes.verdict {
      verdict = said
    } else if number != SIGINT, let lost = lostVerdict(exitCode: code) {
      verdict = lost
    }
    if speaks {
      let start = Terminal.isTerminal ? "\n" : ""
      let left = rest.text.map { ": \($0)" } ?? ""
      Terminal.error("\(start)dltrain: \(verdict.message)\(place)\(left)\n")
    }
    close(verdict, speaks: speaks, kind: verdict.reason == .lostRank ? .lostRank : .signal)
    TemporaryFiles.removeAll()
    if rest.isResumable { _exit(code) }
    StopSignals.endProcess(by: number)
  }
}
