import CKernels
import DLCluster
import DLCore
import DLFormats
import Glibc
import Logging

/// The processes and threads of a job, from the start of the program to its end.
///
/// Under a launcher the ranks are its processes, or threads of each where the job has more ranks
/// than processes. Without one they are threads of this process, and MPI is not touched.
package final class World {
  /// The program that runs: dltrain, or one of a user's own.
  package let program: Program
  /// The signals that may end the job.
  package let signals: StopSignals
  /// Takes notices and warnings: one line each on standard error.
  package let logger: Logger
  /// False where the command's work is done whether or not its output can be written, as a training's.
  package var needsOutput = true
  let runtime: MPIRuntime?
  package let processes: any Communicator

  /// True if this process speaks for all.
  package var isFirst: Bool { processes.rank == 0 }
  /// Processes of the job; 1 without a launcher.
  package var processCount: Int { processes.size }
  /// True if a launcher started this process as one of several, or of one.
  package var isLaunched: Bool { runtime != nil }

  /// True if all processes share one host's memory.
  package var isOneHost: Bool { (runtime?.nodeLocal.size ?? 1) == processes.size }

  private init(_ program: Program, signals: StopSignals) throws {
    self.program = program
    self.signals = signals
    logger = ConsoleLogHandler.logger()
    runtime = try MPIRuntime.start()
    guard let runtime else {
      processes = SingleRank()
      signals.join(
        place: "", job: "\(getpid())-\(UInt64.random(in: 0...UInt64.max))", notes: HostNotes(),
        leavesTimeToSave: true)
      return
    }
    processes = runtime.world
    let job = try processes.broadcast("\(getpid())-\(UInt64.random(in: 0...UInt64.max))", root: 0)
    let notes = try HostNotes(job: job, rank: processes.rank, of: processes.size) {
      try runtime.world.barrier()
    }
    signals.join(
      place: " (rank \(processes.rank) of \(processes.size))", job: job, notes: notes,
      leavesTimeToSave: runtime.launcher.leavesTimeToSave)
  }

  /// Runs a program on all its processes and ends them all with one exit code: the only place where
  /// dltrain exits.
  ///
  /// What `body` throws is printed as one line per fault, `dltrain: what, where, what to do`: once,
  /// where all processes threw it together; else by the one that threw it, which then ends the
  /// others by MPI.
  package static func main(
    _ program: Program = .dltrain, _ body: (World) throws -> ExitCode
  ) -> Never {
    WorkMemory.leaveOutThreads()
    let signals = StopSignals()
    let world: World
    do {
      try WorkMemory.reserveForStart()
      world = try World(program, signals: signals)
    } catch {
      if StopSignals.claimStart() {
        reportError(
          error, place: StopSignals.isFirstToStart ? "" : " (rank \(StopSignals.startRank))")
      }
      end(ExitCode(of: error))
    }
    let code: ExitCode
    do {
      code = try body(world)
    } catch let error as RankFailure {
      if world.isFirst { reportError(error, rest: world.signals.rest(after: error)) }
      world.signals.close(
        .init(reason: .failed, exitCode: error.exitCode.rawValue, message: "\(error)"),
        speaks: false)
      code = error.exitCode
    } catch {
      world.leave(error)
    }
    // What was lost is told where all else went well.
    let lost =
      code == .success && world.isFirst && world.needsOutput ? Terminal.outputError : nil
    if let lost { reportError(lost) }
    // mpirun sends SIGTERM to those still on their way out when the first has ended with a code.
    signals.silence()
    do { try world.runtime?.finalize() } catch { world.leave(error) }
    end(lost?.exitCode ?? code)
  }

  /// Ends this process: after a failure without the exit handlers of libraries, that of OpenBLAS
  /// among them, which waits for threads that may wait for memory for ever.
  private static func end(_ code: ExitCode) -> Never {
    if code == .success { exit(code.rawValue) }
    fflush(nil)
    _exit(code.rawValue)
  }

  /// The columns of the terminal on standard output; nil for files and pipes.
  package static var columns: Int? { Terminal.width }

  /// True if standard output is a terminal.
  package static var isInteractive: Bool { Terminal.isTerminal }

  /// Writes to standard output, on the first process only.
  package func print(_ text: String, terminator: String = "\n") {
    if isFirst { Terminal.out(text + terminator) }
  }

  /// Says something worth knowing on standard error, on the first process only.
  package func warn(_ message: String) { if isFirst { logger.warning("\(message)") } }

  /// Runs `body` on every process and agrees on the outcome; a fault that all have alike is told as
  /// it is.
  ///
  /// - Throws: `RankFailure`, the same on every process, where one or more of the bodies throw;
  ///   `ClusterError` where a process is lost before.
  package func agreed<R>(_ what: String, _ body: () throws -> R) throws -> R {
    let outcome = Result { try body() }
    var mine: (code: Int32, hash: UInt64) = (0, 0)
    if case .failure(let error) = outcome {
      mine = (ExitCode(of: error).rawValue, stableHash("\(error)"))
    }
    let all = try processes.allgather([UInt64(mine.code), mine.hash])
    let isSame = (0..<processes.size).allSatisfy {
      all[2 * $0] == all[0] && all[2 * $0 + 1] == all[1]
    }
    if isSame, case .failure(let error) = outcome {
      if let failure = error as? RankFailure { throw failure }
      throw RankFailure(rank: 0, exitCode: ExitCode(of: error), message: "\(error)")
    }
    return try processes.agreed(what) { try outcome.get() }
  }

  /// Runs `body` on the first process while the others wait for its outcome.
  ///
  /// - Throws: `RankFailure` on every process, where the first one's body throws; `ClusterError`
  ///   where a process is lost before.
  package func first(_ what: String, _ body: () throws -> Void) throws {
    let outcome = Result { if isFirst { try body() } }
    let code: Int32 =
      if case .failure(let error) = outcome { ExitCode(of: error).rawValue } else { 0 }
    let agreed = try processes.allgather([code])[0]
    try outcome.get(orThrow: agreed)
  }

  /// The layout of the ranks of a run.
  package var layout: RankLayout { RankLayout(processes: runtime == nil ? nil : processCount) }

  /// Ends this process, and the others with it, for an error that they do not know of.
  private func leave(_ error: any Error) -> Never {
    let code = ExitCode(of: error)
    let place = error is LocalFailure || processCount == 1 ? "" : " (rank \(processes.rank))"
    let speaks = signals.claim()
    if speaks { World.reportError(error, place: place, rest: signals.rest(after: error)) }
    let isPeers = (error as? ClusterError)?.isPeers ?? false
    signals.close(
      .init(
        reason: isPeers ? .lostRank : .failed, exitCode: code.rawValue,
        message: "\(error)\(place)"), speaks: speaks, kind: isPeers ? .lostRank : .error)
    TemporaryFiles.removeAll()
    if processCount > 1 { MPIRuntime.abort(code) }
    try? runtime?.finalize()
    World.end(code)
  }

  /// Ends the job from a thread beside the ranks, with one line, while they hang.
  ///
  /// - Parameter end: nil to end this process alone.
  static func stop(_ end: Watchdog.End?, _ signals: StopSignals, isLaunched: Bool) -> Never {
    let code = ExitCode.fault
    guard let end else {
      let others = signals.verdictOfOthers
      signals.close(
        others ?? .init(reason: .lostRank, exitCode: code.rawValue, message: "another rank ended"),
        speaks: false)
      _exit(code.rawValue)
    }
    let speaks = signals.claim()
    if speaks {
      let rest = signals.rest.text ?? "nothing was saved"
      Terminal.error("dltrain: \(end.line); the job ends: \(rest)\n")
    }
    signals.close(
      .init(reason: .lostRank, exitCode: code.rawValue, message: end.line), speaks: speaks,
      kind: end.kind, details: end.details)
    // Where even MPI does not get through.
    alarm(5)
    if isLaunched { MPIRuntime.abort(code) }
    _exit(code.rawValue)
  }

  /// Prints an error, each of its lines with the program's name; behind the last what is left of a
  /// run.
  private static func reportError(_ error: any Error, place: String = "", rest: String? = nil) {
    var lines = "\(error)".split(whereSeparator: \.isNewline).map { "dltrain: \($0)\(place)" }
    if let rest, !lines.isEmpty { lines[lines.count - 1] += "; \(rest)" }
    Terminal.error(lines.map { $0 + "\n" }.joined())
  }
}

extension StopSignals {
  /// The line on what an error leaves of a run; nil where no run had begun, or where it goes on
  /// elsewhere.
  fileprivate func rest(after error: any Error) -> String? {
    let rest = rest
    return rest.hasRun && ExitCode(of: error) != .resumable ? rest.text : nil
  }
}

extension Result where Success == Void {
  /// The first process's error, or for the others a silent one of the same exit code.
  fileprivate func get(orThrow code: Int32) throws {
    guard code != 0 else { return }
    if case .failure(let error) = self, !(error is RankFailure) {
      throw RankFailure(
        rank: 0, exitCode: ExitCode(rawValue: code) ?? .fault, message: "\(error)")
    }
    try get()
    throw RankFailure(rank: 0, exitCode: ExitCode(rawValue: code) ?? .fault, message: "")
  }
}
