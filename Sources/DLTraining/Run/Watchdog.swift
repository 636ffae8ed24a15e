import DLCluster
import DLFormats
import Glibc

/// Watches on a thread of its own whether the job goes on, in every process.
///
/// As progress counts what ranks show of themselves (a change of activity, a collective, a tensor
/// made, so that a validation or a long forward pass goes on) and every MiB that a process reads or
/// writes (so that loading or saving does). Time that a process was itself stopped does not count.
final class Watchdog: @unchecked Sendable {
  private let board: ProgressBoard
  private let heartbeats: Heartbeats?
  private let limits: WatchdogConfiguration
  private let warn: (String) -> Void
  private let stop: (String) -> Void
  private let own: RankProgress
  private let abortSeconds: Double
  private var thread: BackgroundThread?
  // The thread's own.
  private var last = monotonicSeconds()
  private var total: UInt64 = 0
  private var idle = 0.0
  private var sinceFiles = 0.0
  private var fileBytes: Int

  private static let tickSeconds = 0.25
  /// The most that one tick counts for: no thread that runs comes later.
  private static let longestTick = 1.0

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - rank: a rank of this process.
  ///   - heartbeats: those of this host, on its first process.
  ///   - warn: takes a line of warning.
  ///   - stop: takes the line with which it ends the job.
  init(
    _ board: ProgressBoard, rank: Int, heartbeats: Heartbeats?, limits: WatchdogConfiguration,
    warn: @escaping (String) -> Void, stop: @escaping (String) -> Void
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
      stop(silence(of: late))
    }
  }

  private func tick() {
    let now = monotonicSeconds()
    let passed = min(now - last, Watchdog.longestTick)
    last = now
    heartbeats?.tick(passed)
    if let (host, seconds) = heartbeats?.mostSilent, seconds >= limits.heartbeatSeconds {
      stop(silence(of: host))
    }
    countFiles(passed)
    let total = board.total
    guard total == self.total else {
      self.total = total
      idle = 0
      return
    }
    idle += passed
    if idle >= abortSeconds {
      stop("no rank went on for \(Text.significant(limits.abortSeconds, 4)) s: \(standstill)")
    } else if idle >= limits.warnSeconds, board.home == 0, board.claim(total) {
      warn(
        "no rank goes on for \(Text.significant(limits.warnSeconds, 4)) s, the job ends after "
          + "\(Text.significant(limits.abortSeconds, 4)) s: \(standstill)")
    }
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

  private func silence(of host: Int) -> String {
    let ranks = board.hosts[host]
    let name = board.process(of: ranks.first ?? 0).host
    return
      "nothing was heard of \(name) (\(Standstill.list(ranks))) for "
      + "\(Text.significant(limits.heartbeatSeconds, 4)) s: it is down, cut off or stopped"
  }

  /// Counts what this process reads and writes.
  private func countFiles(_ passed: Double) {
    sinceFiles += passed
    guard sinceFiles >= 1 else { return }
    sinceFiles = 0
    let bytes = Watchdog.fileBytes
    guard bytes - fileBytes >= 1 << 20 else { return }
    fileBytes = bytes
    own.note()
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
