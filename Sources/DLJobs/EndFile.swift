import CKernels
import DLCluster
import DLCore
import DLFormats
import Glibc

/// The reason why a job ended before its time, as the process that found it leaves it in the run
/// folder.
///
/// `end.json` is read by `dltrain launch`, by other supervisors and by people. An end that all ranks
/// agreed on has none: the exit code and `summary.json` tell it. A run that goes on removes that of the
/// job before, so that it tells the latest end or nothing.
package struct EndFile: Sendable, Equatable {
  /// The kinds of findings.
  package enum Kind: String, Sendable {
    /// No rank went on.
    case standstill
    /// A host was not heard of.
    case silentHost = "silent_host"
    /// A process has died.
    case lostRank = "lost_rank"
    /// A signal ended this process.
    case signal
    /// An error that the other ranks do not know of.
    case error
  }

  /// The name of the variable that says which of a supervisor's starts a process belongs to.
  package static let launchVariable = "DLTRAIN_LAUNCH"

  package let kind: Kind
  package let exitCode: Int32
  package let message: String
  /// The supervisor's name for this start; empty without one.
  package let launch: String
  /// Equal on all processes of the job.
  package var job = ""
  /// The other known facts, as ranks and what they wait in.
  package var details: [JSON.Member] = []

  /// Notes an end.
  package init(
    kind: Kind, exitCode: Int32, message: String, launch: String, job: String = "",
    details: [JSON.Member] = []
  ) {
    (self.kind, self.exitCode, self.message) = (kind, exitCode, message)
    (self.launch, self.job, self.details) = (launch, job, details)
  }

  package static func == (a: Self, b: Self) -> Bool { a.json.description == b.json.description }

  /// The file's path in a run folder.
  package static func path(in folder: String) -> String { folder + "/end.json" }

  /// The supervisor's name for the start that this process belongs to; empty without one.
  package static var ownLaunch: String { getenv(launchVariable).map { String(cString: $0) } ?? "" }

  /// True if ranks ended by themselves, and not by agreement.
  package var isSudden: Bool { kind != .error }

  /// True if the job was ended since it did not go on: a rank or a host may not answer at all.
  package var isStandingStill: Bool { kind == .standstill || kind == .silentHost }

  private var json: JSON {
    var members: [JSON.Member] = [
      .init("kind", .string(kind.rawValue)), .init("exit_code", .integer(Int(exitCode))),
      .init("message", .string(oneLine(message))), .init("launch", .string(launch)),
      .init("job", .string(job)), .init("process", .integer(Int(getpid()))),
    ]
    members += details
    return .object(members)
  }

  private func isOf(_ job: String, _ launch: String) -> Bool {
    self.job == job && self.launch == launch
  }

  /// Writes it, where no process of this job has written one before.
  ///
  /// - Throws: `FormatError`.
  package func write(to folder: String) throws {
    if EndFile.read(folder)?.isOf(job, launch) == true { return }
    try File.makeFolder(folder)
    try File.replace(EndFile.path(in: folder), synchronizing: false) {
      try $0.write(json.description + "\n")
    }
  }

  /// Removes the one that an earlier job has left in a run folder: the run goes on, and has not ended
  /// so.
  package static func removeEarlier(than job: String, launch: String, in folder: String) {
    guard let old = read(folder), !old.isOf(job, launch) else { return }
    _ = try? File.remove(path(in: folder))
  }

  /// Reads that of a run folder; nil where there is none that can be read.
  package static func read(_ folder: String) -> Self? {
    guard let bytes = try? File.contents(of: path(in: folder), limit: 1 << 20),
      let json = try? JSON(parsing: String(decoding: bytes, as: UTF8.self)),
      let kind = json["kind"]?.string.flatMap(Kind.init), let code = json["exit_code"]?.int,
      let message = json["message"]?.string
    else { return nil }
    return Self(
      kind: kind, exitCode: Int32(clamping: code), message: message,
      launch: json["launch"]?.string ?? "", job: json["job"]?.string ?? "")
  }
}
