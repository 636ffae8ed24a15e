import DLTestSupport
import Foundation

/// What a process left behind.
struct Outcome {
  let status: Int32
  let output: String
  let errors: String

  /// The lines that dltrain itself wrote to standard error; mpirun adds its own.
  var faults: [String] {
    errors.split(separator: "\n").map(String.init).filter { $0.hasPrefix("dltrain: ") }
  }
}

/// The real program, started as a user would start it.
enum Program {
  /// The folder of the build products: that of the running tests.
  static let products: String = {
    let tests = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = (tests as NSString).deletingLastPathComponent
    if FileManager.default.fileExists(atPath: beside + "/dltrain") { return beside }
    return repository + "/.build/release"
  }()

  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  static let path = products + "/dltrain"

  /// A program with a network of its own: Tests/ModelProgram.
  static let modelProgram = products + "/dltrain-model"

  /// The command that starts `processes` ranks under mpirun; nothing for nil.
  static func launcher(_ processes: Int?) -> [String] {
    guard let processes else { return [] }
    return ["mpirun", "-n", String(processes), "--oversubscribe", "--bind-to", "none"]
  }

  /// Seconds after which a command counts as hanging: for a machine under load, since nothing is
  /// measured by it.
  static let limitSeconds = 900

  /// Runs dltrain; 124 is its exit status where it hangs.
  static func run(
    _ arguments: [String], processes: Int? = nil, in folder: String? = nil
  ) throws -> Outcome {
    try start(arguments, processes: processes, in: folder).wait()
  }

  /// Starts dltrain without waiting for it.
  static func start(
    _ arguments: [String], processes: Int? = nil, in folder: String? = nil
  ) throws -> RunningProgram {
    try startCommand(launcher(processes) + [path] + arguments, in: folder)
  }

  /// Starts any command without waiting for it.
  static func startCommand(
    _ command: [String], in folder: String?, variables: [String: String] = [:]
  ) throws -> RunningProgram {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["timeout", "-k", "5", String(limitSeconds)] + command
    process.currentDirectoryURL = URL(fileURLWithPath: folder ?? NSTemporaryDirectory())
    var environment = ProcessInfo.processInfo.environment
    environment["OMPI_ALLOW_RUN_AS_ROOT"] = "1"
    environment["OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"] = "1"
    process.environment = environment.merging(variables) { $1 }
    return try RunningProgram(process)
  }
}

/// A started process whose output is gathered in files, so that no pipe can fill up.
final class RunningProgram {
  let process: Process
  private let folder: String

  fileprivate init(_ process: Process) throws {
    self.process = process
    folder = try TemporaryFolder.make()
    for (name, keyPath) in [
      ("out", \Process.standardOutput), ("err", \Process.standardError),
    ] as [(String, ReferenceWritableKeyPath<Process, Any?>)] {
      _ = FileManager.default.createFile(atPath: "\(folder)/\(name)", contents: nil)
      process[keyPath: keyPath] = FileHandle(forWritingAtPath: "\(folder)/\(name)")
    }
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  /// What standard output holds so far.
  var output: String { read("out") }

  /// What standard error holds so far.
  var errors: String { read("err") }

  /// Waits until `condition` holds or the process ends; whether it held.
  func wait(until condition: () -> Bool) -> Bool {
    while process.isRunning {
      if condition() { return true }
      usleep(20_000)
    }
    return condition()
  }

  /// The processes of the program below the started command, in the order of their start: by rank.
  var ranks: [pid_t] { programs.filter { !RunningProgram.isLaunch($0) } }

  private var programs: [pid_t] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap { pid_t($0) }.filter { isDltrain($0) && isBelow($0) }.sorted()
  }

  /// Sends a signal to the launch above the ranks.
  func signalLaunch(_ signal: Int32) {
    if let launch = programs.first(where: RunningProgram.isLaunch) {
      Foundation.kill(launch, signal)
    }
  }

  private static func isLaunch(_ process: pid_t) -> Bool {
    let text = try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)
    return text?.split(separator: "\0").dropFirst().first == "launch"
  }

  /// What a rank is doing, by its name: `step` of `dltrain:step`; `start` before it says.
  static func phase(_ process: pid_t) -> String? {
    guard let name = try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8),
      name.hasPrefix("dltrain")
    else { return nil }
    let parts = name.split(separator: ":")
    return parts.count > 1 ? parts[1].trimmingCharacters(in: .newlines) : "start"
  }

  /// The names of a process's threads.
  static func threads(_ process: pid_t) -> [String] {
    let folder = "/proc/\(process)/task"
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return entries.compactMap {
      try? String(contentsOfFile: "\(folder)/\($0)/comm", encoding: .utf8)
        .trimmingCharacters(in: .newlines)
    }
  }

  /// Stops a process, and returns when it stands still.
  static func stop(_ process: pid_t) {
    Foundation.kill(process, SIGSTOP)
    for _ in 0..<1000 {
      guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
        let state = text.split(separator: ")").last?.split(separator: " ").first,
        !["T", "t", "Z", "X"].contains(state)
      else { return }
      usleep(100)
    }
  }

  /// Ends a rank at once.
  func kill(rank: Int) {
    let found = ranks
    if rank < found.count { Foundation.kill(found[rank], SIGKILL) }
  }

  private func isDltrain(_ process: pid_t) -> Bool {
    (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8))?.hasPrefix("dltrain")
      ?? false
  }

  private func isBelow(_ process: pid_t) -> Bool {
    var current = process
    for _ in 0..<4 {
      guard let parent = RunningProgram.parent(current) else { return false }
      if parent == self.process.processIdentifier { return true }
      current = parent
    }
    return false
  }

  /// The process that started another.
  static func parent(_ process: pid_t) -> pid_t? { status(of: process).map { $0.parent } }

  /// The state of a process, `Z` for one that has ended and was not asked how, and its parent; nil where
  /// there is none.
  static func status(of process: pid_t) -> (state: String, parent: pid_t)? {
    let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    let fields = status?.split(separator: ")").last?.split(separator: " ") ?? []
    guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
    return (String(fields[0]), parent)
  }

  /// Waits for the end.
  func wait() -> Outcome {
    process.waitUntilExit()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // As a shell tells it: 128 and the number of the signal that ended it.
    let signal: Int32 = process.terminationReason == .uncaughtSignal ? 128 : 0
    return Outcome(
      status: signal + process.terminationStatus, output: read("out"), errors: read("err"))
  }

  private func read(_ name: String) -> String {
    (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
  }
}
