import DLCluster
import DLCore
import DLFormats
import DLTraining
import Glibc

/// Watches on a thread of its own whether the job goes on, in every process.
///
/// As progress counts what ranks show of themselves (a change of activity, a collective, a tensor
/// made, so that a validation or a long forward pass goes on), and that a process reads or writes 64
/// KiB in a second (so that loading or saving does). Time that a process was itself stopped does not count.
final class Watchdog: @unchecked Sendable {
  private let board: ProgressTable
  private let heartbeats: Heartbeats?
  private let limits: WatchdogConfiguration
  private let warn: (String) -> Void
  private let stop: (_ end: End?) -> Void
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

  /// The reason why it ends a job, for people and for `end.json`.
  struct End {
    let kind: EndFile.Kind
    let line: String
    let details: [JSON.Member]
  }

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
  ///   - stop: takes why it ends the job; nil to end this process of a job that
  ///     another has ended.
  init(
    _ board: ProgressTable, rank: Int, heartbeats: Heartbeats?, limits: WatchdogConfiguration,
    warn: @escaping (String) -> Void, stop: @escaping (_ end: End?) -> Void
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
      end(standstill)
    } else if idle >= limits.warnSeconds, board.home == 0, board.claim(total) {
      warn(
        "no rank goes on for \(Format.significant(limits.warnSeconds, 4)) s, the job ends after "
          + "\(Format.significant(limits.abortSeconds, 4)) s: \(standing(states))")
    }
  }

  private func end(_ end: End) {
    board.end()
    stop(end)
  }

  private var states: [RankState] { (0..<board.size).map(board.state) }

  private func standing(_ states: [RankState]) -> String {
    StallReport(states).text { rank in
      let process = board.process(of: rank)
      let state = state(of: rank).map { ", \($0)" } ?? ""
      return "process \(process.number) on \(process.host)\(state)"
    }
  }

  private var standstill: End {
    let states = states
    let missing = StallReport(states).missing
    func list(_ ranks: [Int]) -> JSON {
      .array(
        ranks.map { rank in
          let state: [JSON.Member] =
            state(of: rank).map { [.init("state", .string($0))] } ?? []
          return .object(place(of: rank) + state + [.init("in", .string(states[rank].text))])
        })
    }
    let seconds = limits.abortSeconds
    return End(
      kind: .standstill,
      line: "no rank went on for \(Format.significant(seconds, 4)) s: \(standing(states))",
      details: [
        .init("seconds", .number(seconds)), .init("waited_for", list(missing)),
        .init("waiting", list(states.indices.filter { !missing.contains($0) })),
      ])
  }

  private func silence(of hosts: [Int]) -> End {
    let names = hosts.map { host in
      let ranks = board.hosts[host]
      return "\(board.process(of: ranks.first ?? 0).host) (\(StallReport.list(ranks)))"
    }
    let seconds = limits.heartbeatSeconds
    return End(
      kind: .silentHost,
      line: "nothing was heard of \(names.joined(separator: ", ")) for "
        + "\(Format.significant(seconds, 4)) s: down, cut off or stopped",
      details: [
        .init("seconds", .number(seconds)),
        .init("silent", .array(hosts.flatMap { board.hosts[$0] }.map { .object(place(of: $0)) })),
      ])
  }

  private func place(of rank: Int) -> [JSON.Member] {
    let process = board.process(of: rank)
    return [
      .init("rank", .integer(rank)), .init("host", .string(process.host)),
      .init("process", .integer(Int(process.number))),
    ]
  }

  /// The known state of another process of this host that does not run.
  private func state(of rank: Int) -> String? {
    guard board.hosts[board.home].contains(rank), board.processes.count > 1 else { return nil }
    return Watchdog.state(of: board.process(of: rank).number)
  }

  /// Counts what this process reads and writes.
  private func countFiles(_ passed: Double) {
    sinceFiles += passed
    guard sinceFiles >= 1 else { return }
    sinceFiles = 0
    let bytes = Watchdog.fileBytes
    // What goes through sockets is counted there too.
    if bytes - fileBytes >= (64 << 10) + 2 * (heartbeats?.bytesPerSecond ?? 0) { own.mark() }
    fileBytes = bytes
  }

  private static var fileBytes: Int {
    let lines = File.systemText("/proc/self/io")?.split(separator: "\n") ?? []
    return lines.filter { $0.hasPrefix("rchar:") || $0.hasPrefix("wchar:") }
      .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
  }

  /// The state of a process of this host that is stopped or gone.
  private static func state(of process: pid_t) -> String? {
    guard let state = ProcessState(of: process) else { return "gone" }
    return state.isStopped ? "stopped" : nil
  }
}
