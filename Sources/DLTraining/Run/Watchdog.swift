import DLCluster
import DLCore
import DLFormats
import Glibc

/// Watches on a thread of its own whether the job goes on, in every process.
///
/// As progress counts what ranks show of themselves (a change of activity, a collective, a tensor
/// made, so that a validation or a long forward pass goes on), and that a process reads or writes 64
/// KiB in a second (so that loading or saving does). Time that a process was itself stopped does not count.
final class Watchdog: @unchecked Sendable {
  private let board: ProgressBoard
  private let heartbeats: Heartbeats?
  private let limits: WatchdogConfiguration
  private let warn: (String) -> Void
  private let stop: (_ line: String?) -> Void
  private let own: RankProgress
  private let abortSeconds: Double
  private var thread: BackgroundThread?
  // The thread's own.
  private var last = monotonicSeconds()
  private var total: UInt64 = 0
  private var idle = 0.0
  private var sinceFiles = 0.0
  private var sinceEnd = 0.0
  private var fileBytes: Int

  /// How the lines begin with which it ends a job.
  static let ends = [standing, silent]
  /// What follows there, before what is left of the run.
  static let end = "; the job ends"
  private static let standing = "no rank went on for"
  private static let silent = "nothing was heard of"
  /// Seconds that mpirun has to end a process of a job that has ended.
  private static let endSeconds = 2.0
  private static let tickSeconds = 0.25
  /// The most that one tick counts for: no thread that runs comes later.
  private static let longestTick = 1.0

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - rank: a rank of this process.
  ///   - heartbeats: those of this host, on its first process.
  ///   - warn: takes a line of warning.
  ///   - stop: takes the line with which it ends the job; nil to end this process of a job that
  ///     another has ended.
  init(
    _ board: ProgressBoard, rank: Int, heartbeats: Heartbeats?, limits: WatchdogConfiguration,
    warn: @escaping (String) -> Void, stop: @escaping (_ line: String?) -> Void
  ) throws {
    self.board = board
    self.heartbeats = heartbeats
    self.limits = limits
    self.warn = warn
    self.stop = stop
    own = board.progress(of: rank)
    // The first host knows of all by heartbeats; were it to hang, others end the job.
    abortSeconds = limits.abortSeconds + (board.home == 0 ? 0 : 5)
    fileBytes = Watchdog.fileBytes
    thread = try BackgroundThread(
      "watchdog", every: (Watchdog.tickSeconds, { [weak self] in self?.tick() }))
  }

  /// Ends the thread at the end of the job, once all hosts have come to it.
  func finish() {
    thread?.end()
    thread = nil
    if let late = heartbeats?.finish(limitSeconds: limits.heartbeatSeconds) {
      end(silence(of: [late]))
    }
  }

  private func tick() {
    let now = monotonicSeconds()
    let passed = min(now - last, Watchdog.longestTick)
    last = now
    if board.isEnded {
      sinceEnd += passed
      // Those that mpirun cannot reach it does not end either.
      if sinceEnd > Watchdog.endSeconds { stop(nil) }
      return
    }
    heartbeats?.tick(passed)
    let silent = heartbeats?.silent(seconds: limits.heartbeatSeconds) ?? []
    if !silent.isEmpty { end(silence(of: silent)) }
    countFiles(passed)
    let total = board.total
    guard total == self.total else {
      self.total = total
      idle = 0
      return
    }
    idle += passed
    if idle >= abortSeconds {
      end("\(Watchdog.standing) \(Text.significant(limits.abortSeconds, 4)) s: \(standstill)")
    } else if idle >= limits.warnSeconds, board.home == 0, board.claim(total) {
      warn(
        "no rank goes on for \(Text.significant(limits.warnSeconds, 4)) s, the job ends after "
          + "\(Text.significant(limits.abortSeconds, 4)) s: \(standstill)")
    }
  }

  private func end(_ line: String) {
    board.end()
    stop(line)
  }

  private var standstill: String {
    let states = (0..<board.size).map(board.state)
    return Standstill(states).text { rank in
      let process = board.process(of: rank)
      let isHere = board.hosts[board.home].contains(rank)
      let state = isHere && board.processes.count > 1 ? Watchdog.state(of: process.number) : ""
      return "process \(process.number) on \(process.host)\(state)"
    }
  }

  private func silence(of hosts: [Int]) -> String {
    let names = hosts.map { host in
      let ranks = board.hosts[host]
      return "\(board.process(of: ranks.first ?? 0).host) (\(Standstill.list(ranks)))"
    }
    return "\(Watchdog.silent) \(names.joined(separator: ", ")) for "
      + "\(Text.significant(limits.heartbeatSeconds, 4)) s: down, cut off or stopped"
  }

  /// Counts what this process reads and writes.
  private func countFiles(_ passed: Double) {
    sinceFiles += passed
    guard sinceFiles >= 1 else { return }
    sinceFiles = 0
    let bytes = Watchdog.fileBytes
    // What goes through sockets is counted there too.
    if bytes - fileBytes >= (64 << 10) + 2 * (heartbeats?.bytesPerSecond ?? 0) { own.note() }
    fileBytes = bytes
  }

  private static var fileBytes: Int {
    let lines = File.systemText("/proc/self/io")?.split(separator: "\n") ?? []
    return lines.filter { $0.hasPrefix("rchar:") || $0.hasPrefix("wchar:") }
      .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
  }

  /// Whether a process of this host is stopped or gone.
  private static func state(of process: pid_t) -> String {
    guard let text = File.systemText("/proc/\(process)/stat") else { return ", gone" }
    let state = text.split(separator: ")").last?.split(separator: " ").first
    return state == "T" || state == "t" ? ", stopped" : ""
  }
}
