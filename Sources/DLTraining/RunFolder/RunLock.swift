import DLCluster
import DLCore
import DLFormats
import Glibc
import Synchronization

/// A run that another job has taken over.
struct LeaseLostError: DLError {
  let folder: String
  let owner: String
  /// 75: the run goes on elsewhere.
  var exitCode: ExitCode { .resumable }
  var description: String {
    "\(folder): another job has taken this run over (\(owner)), nothing more is written here; go on "
      + "there"
  }
}

/// Who may write to a run folder: one process, which renews its claim every second.
///
/// The file `.lease` names the owner and counts. An owner that is dead is succeeded at once on its
/// own host, and from anywhere one that has not counted on for ``staleSeconds``: it was cut off or
/// stopped. Should it come back, it finds another name in the file before it writes.
package final class RunLock: @unchecked Sendable {
  /// Seconds between two renewals.
  static let renewalSeconds = 1.0
  /// Seconds without a renewal after which the lease may be taken.
  static let staleSeconds = 5.0

  private let folder: String
  private let path: String
  private let owner = ProcessIdentity.own
  /// The place where this process counts: the file that it made, wherever that lies by now.
  ///
  /// So it cannot undo that another took the lease.
  private let file: File
  private let isLostFlag = Atomic<Bool>(false)
  private var counter = 0
  private var thread: BackgroundThread?

  /// A lease that may be taken as it was found: none, or one of an owner that is gone.
  package struct Turn {
    fileprivate let found: [UInt8]?
  }

  /// Waits until the lease of a run folder may be taken, without changing anything.
  ///
  /// - Throws: ``RunFolderError`` where its owner goes on renewing it; `FormatError` where it cannot
  ///   be read, so that nobody knows whose it is.
  static func awaitTurn(folder: String) throws -> Turn {
    try waitForTurn(folder, path(folder))
  }

  /// Takes the lease of a run folder.
  ///
  /// - Parameter turn: what a wait has found; it is not waited again while that stands.
  /// - Throws: as ``awaitTurn(folder:)``.
  package init(folder: String, after turn: Turn? = nil) throws {
    self.folder = folder
    path = RunLock.path(folder)
    let temporary = "\(folder)/.lease.\(getpid()).tmp"
    file = try File(temporary, .create)
    defer { _ = try? File.remove(temporary) }
    try write(isFree: false)
    // A file system without links is left to the second way.
    if (try? File.link(temporary, to: path)) != true {
      _ = try RunLock.waitForTurn(folder, path, after: turn)
      try File.rename(temporary, to: path)
      // Another may have had the same thought: the lease is whose name stays.
      usleep(50_000)
      guard try RunLock.claim(path)?.owner == owner else { throw RunLock.refusal(folder) }
    }
    thread = try BackgroundThread(
      "lease", every: (RunLock.renewalSeconds, { [weak self] in self?.renew() }))
  }

  /// Gives the lease back.
  package func end() {
    guard let thread else { return }
    thread.end()
    self.thread = nil
    try? write(isFree: true)
  }

  /// True if a renewal has found another owner; costs nothing.
  var isLost: Bool { isLostFlag.load(ordering: .relaxed) }

  /// Looks whether the run is still this process's own.
  ///
  /// Files are given their names directly after it. A process that is stopped between the two still
  /// names that one file when it wakes: no system call renames on a condition, and a lock would be
  /// held by the stopped process for ever, so that nobody could take the run over.
  ///
  /// - Throws: ``LeaseLostError``; `FormatError` where the lease cannot be read, which does not mean
  ///   that it is lost.
  package func check() throws {
    let found = try RunLock.claim(path)
    guard found?.owner == owner else {
      isLostFlag.store(true, ordering: .relaxed)
      let place = found.map { "process \($0.owner.process) on \($0.owner.host)" }
      throw LeaseLostError(folder: folder, owner: place ?? "its lease is gone")
    }
  }

  private func renew() {
    guard !isLost, (try? check()) != nil else { return }
    counter += 1
    // A disk that fails here fails the next checkpoint too, which says so.
    try? write(isFree: false)
  }

  private func write(isFree: Bool) throws {
    try file.write(Claim(owner: owner, counter: counter, isFree: isFree).text, at: 0)
    // Other hosts see what has reached the file server.
    try file.synchronize()
  }

  private static func path(_ folder: String) -> String { folder + "/.lease" }

  private static func refusal(_ folder: String) -> RunFolderError {
    RunFolderError(
      description:
        "\(folder): another process writes to this run, wait for it or use another \(OptionName.out)"
    )
  }

  /// Returns when the lease may be taken; an owner that is about to end is given the time to.
  ///
  /// One that this version cannot make sense of is anybody's: it counts as renewed when it changes.
  ///
  /// - Parameter turn: what an earlier wait has found.
  private static func waitForTurn(_ folder: String, _ path: String, after turn: Turn? = nil) throws
    -> Turn
  {
    if let turn, try content(path) == turn.found { return turn }
    var renewals = 0
    var seen = try content(path)
    var since = monotonicSeconds()
    while let found = try content(path) {
      if let claim = Claim(String(decoding: found, as: UTF8.self)),
        claim.isFree || claim.owner.isDead
      {
        return Turn(found: found)
      }
      if found != seen {
        renewals += 1
        guard renewals < 3 else { throw refusal(folder) }
        seen = found
        since = monotonicSeconds()
      }
      if monotonicSeconds() - since > RunLock.staleSeconds { return Turn(found: found) }
      usleep(50_000)
    }
    return Turn(found: nil)
  }

  /// The content of a lease's file; nil where there is none.
  private static func content(_ path: String) throws -> [UInt8]? {
    guard try File.kind(of: path) != nil else { return nil }
    return try File.contents(of: path, limit: 4096)
  }

  /// Whose a lease is; nil where there is none, or it says nothing.
  private static func claim(_ path: String) throws -> Claim? {
    try content(path).flatMap { Claim(String(decoding: $0, as: UTF8.self)) }
  }
}

/// The text in the file of a lease, always as long for one owner.
private struct Claim: Equatable {
  let owner: ProcessIdentity
  let counter: Int
  let isFree: Bool

  init(owner: ProcessIdentity, counter: Int, isFree: Bool) {
    self.owner = owner
    self.counter = counter
    self.isFree = isFree
  }

  init?(_ text: String) {
    let lines = text.split(separator: "\n")
    guard lines.count == 4, let owner = ProcessIdentity(lines[0], machine: lines[1]),
      let counter = Int(lines[2])
    else { return nil }
    self.init(owner: owner, counter: counter, isFree: lines[3] == "free")
  }

  var text: String {
    "\(owner)\n\(owner.machine)\n\(Format.padded(counter, 12))\n\(isFree ? "free" : "held")\n"
  }
}
