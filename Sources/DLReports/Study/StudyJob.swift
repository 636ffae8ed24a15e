import CSystem
import DLCluster
import DLConfiguration
import DLCore
import DLFormats
import DLJobs
import DLTraining

/// A study as a command line asks for it: trains what is missing, and shows what all came to.
package struct StudyJob: Sendable {
  /// The ways in which the ranks go about the runs.
  package enum Ranks: String, Sendable, CaseIterable {
    /// Each rank trains runs of its own, alone.
    case shared
    /// All ranks train one run after the other.
    case all
  }

  /// The study's folder; nil for a new one.
  package var out: String?
  /// True to go on with the study of the folder.
  package var resume = false
  /// The way in which the ranks go about the runs.
  package var ranks = Ranks.shared

  /// Makes a new study.
  package init() {}

  /// Trains the runs that the journal has not, and writes table and picture; collective.
  ///
  /// - Parameter study: reads the study; called on every process.
  /// - Returns: 75 where a signal stopped it, else 0.
  /// - Throws: `RankFailure` on every process, where the study cannot be read, its folder not be
  ///   used, or a run fails for another reason than that it diverges; `ClusterError` where a
  ///   process is lost.
  package func run(in world: World, study: () throws -> Study) throws -> ExitCode {
    let study = try world.agreed("read the study", study)
    let session = try StudySession(self, study, in: world)
    defer { session.close() }
    session.announce()
    while let round = session.nextRound() {
      guard try session.train(round) else {
        world.warn(
          "\(session.folder): \(session.doneText); go on with \(OptionName.resume) \(OptionName.out) \(session.folder)"
        )
        return .resumable
      }
    }
    try session.report()
    return .success
  }
}

/// A study in work: every process has one, the first one keeps the journal.
private final class StudySession {
  let folder: String
  private let job: StudyJob
  private let study: Study
  private let world: World
  private var journal: StudyJournal
  private var lease: RunLock?
  /// The runs that are still to be trained, the same on all processes.
  private var pending: [Int] = []
  private let total: Int
  /// Columns that a warning was about.
  private var unknownColumns: Set<String> = []

  /// Opens the folder and finds out what is missing; collective.
  init(_ job: StudyJob, _ study: Study, in world: World) throws {
    (self.job, self.study, self.world) = (job, study, world)
    total = study.runs.count
    var folder = ""
    try world.first("find the study's folder") { folder = try job.folder(of: study) }
    folder = try world.processes.broadcast(folder, root: 0)
    self.folder = folder
    journal = StudyJournal(folder: folder, study: study.name)
    try world.first("open \(folder)") { try open() }
    let list = pending.map(String.init).joined(separator: " ")
    pending = try world.processes.broadcast(list, root: 0).split(separator: " ").compactMap {
      Int($0)
    }
  }

  private func open() throws {
    try File.makeFolder(folder)
    lease = try RunLock(folder: folder)
    let isThere = try journal.read()
    guard !isThere || job.resume else {
      throw StudyError(
        description:
          "\(folder): already holds a study, use \(OptionName.resume) to go on with it or another "
          + "\(OptionName.out)", exitCode: .usage)
    }
    let fingerprints = Dictionary(
      study.runs.map { ($0.name, $0.fingerprint) }, uniquingKeysWith: { first, _ in first })
    let known = journal.records.count
    journal.keep { fingerprints[$0.run] == $0.fingerprint }
    if known > journal.records.count {
      let count = known - journal.records.count
      world.warn(
        "\(journal.path): \(counted(count, "run")) of it are not those of the study any more and "
          + "left out; \(journal.records.count) are kept")
    }
    let done = Set(journal.records.map(\.run))
    pending = study.runs.filter { !done.contains($0.name) }.map(\.index)
    try check()
    try journal.add([])
  }

  /// Sets one run of each variant up that is to be trained, so that no fault of its configuration waits
  /// until its turn comes.
  private func check() throws {
    var checked: Set<Int> = []
    for index in pending where checked.insert(study.runs[index].variant).inserted {
      let run = study.runs[index]
      do {
        if job.ranks == .all {
          try world.check(ranks: nil, virtualRanks: run.configuration.virtualRanks)
        }
        try ModelReport(run.configuration, task: world.program.task).checkOptimizers()
      } catch {
        let lines = "\(error)".split(whereSeparator: \.isNewline).map { "\(run.name): \($0)" }
        throw StudyError(
          description: lines.joined(separator: "\n"), exitCode: ExitCode(of: error))
      }
    }
  }

  /// Gives the folder back.
  func close() { lease?.end() }

  var doneText: String { "\(total - pending.count) of \(counted(total, "run")) are done" }

  /// Says what is about to be trained.
  func announce() {
    let kept = pending.count < total ? ", \(total - pending.count) of them done" : ""
    let ranks =
      job.ranks == .shared
      ? "\(counted(rankCount, "run")) at a time, each on a rank of its own"
      : "each on \(world.layout.text(ranks: study.runs.first?.configuration.virtualRanks ?? rankCount))"
    world.print(
      Format.wrapped(
        "\(study.name): \(counted(total, "run"))\(kept); \(ranks); in \(folder)", World.columns,
        indent: "  "))
  }

  /// Ranks without a job that asks for another number.
  private var rankCount: Int {
    world.isLaunched ? world.processCount : max(Int(dl_cores_in_mask()), 1)
  }

  /// The runs that are trained next at once; nil where none is left.
  func nextRound() -> [Study.Run]? {
    let count = job.ranks == .shared ? rankCount : 1
    return pending.isEmpty ? nil : pending.prefix(count).map { study.runs[$0] }
  }

  /// Trains the runs of a round and notes them; collective.
  ///
  /// - Returns: whether all came to an end.
  func train(_ round: [Study.Run]) throws -> Bool {
    let signals = world.signals
    let logger = world.logger
    let jobs = round.map { run in
      StudyRun(
        run: run, folder: "\(folder)/\(run.folder)", shouldStop: { signals.isStopRequested },
        willStep: { signals.noteSteps() }, task: world.program.task)
    }
    let warn: @Sendable (String) -> Void = { logger.warning("\($0)") }
    let texts: [String]
    switch job.ranks {
    case .all:
      let job = jobs[0]
      texts = try world.run(
        ranks: nil, virtualRanks: job.run.configuration.virtualRanks, reduction: .shared,
        watched: job.run.configuration.watchdog
      ) { communicator, progress in
        let record = try job.train(over: communicator, progress: progress, warn: warn)
        return [record?.json.description ?? ""]
      }
    case .shared:
      texts = try world.run(ranks: nil) { communicator in
        try StudySession.trainOwn(jobs, among: communicator, warn: warn)
      }
    }
    let ends = try texts.filter { !$0.isEmpty }.map { try JSON(parsing: $0) }
    let found = ends.compactMap { StudyRecord(json: $0) }
    try world.agreed("compare the runs") {
      for record in found where !round.contains(where: { $0.fingerprint == record.fingerprint }) {
        throw StudyError(
          description: "not all processes have the same study: \(record.run) has another "
            + "configuration; start all with the same file", exitCode: .usage)
      }
    }
    let names = Set(found.map(\.run))
    pending.removeAll { names.contains(study.runs[$0].name) }
    try world.first("write \(journal.path)") {
      if let lease { try lease.check() }
      try journal.add(found)
    }
    for (index, record) in found.enumerated() {
      world.print(line(record, number: total - pending.count - found.count + index + 1))
    }
    warnOfUnknownColumns { nearestWord(to: $0, in: $1) != nil }
    // What others have finished is not lost with a run that failed.
    if let failure = ends.lazy.compactMap({ RankFailure(json: $0) }).first { throw failure }
    return found.count == round.count && (pending.isEmpty || !signals.isStopRequested)
  }

  /// Trains the run of this rank alone, if it has one, and gathers what all came to; collective.
  private static func trainOwn(
    _ jobs: [StudyRun], among ranks: any Communicator, warn: @escaping @Sendable (String) -> Void
  ) throws -> [String] {
    var text = ""
    if ranks.rank < jobs.count {
      let job = jobs[ranks.rank]
      let count = job.run.configuration.virtualRanks ?? 1
      do {
        let record =
          count == 1
          ? try job.train(over: SingleRank(), warn: warn)
          : try ThreadGroup.run(ranks: count) { try job.train(over: $0, warn: warn) }[0]
        text = record?.json.description ?? ""
      } catch {
        text =
          RankFailure(
            rank: ranks.rank, exitCode: ExitCode(of: error), message: "\(error)"
          ).json.description
      }
    }
    let texts = try (0..<ranks.size).map { try ranks.broadcast(text, root: $0) }
    return Array(texts.prefix(jobs.count))
  }

  /// A finished run on one line.
  private func line(_ record: StudyRecord, number: Int) -> String {
    let figures = study.columns(of: [record]).compactMap { column in
      record[column].map { "\(column) \(StudyTable.text($0, column))" }
    }
    let what = record.hasDiverged ? "diverged at step \(record.step + 1)" : ""
    let text = ([record.run] + (what.isEmpty ? figures : [what])).joined(separator: "  ")
    return Format.wrapped("[\(number)/\(total)] \(text)", World.columns, indent: "  ")
  }

  /// Warns once of each column of the table that no run so far has a figure for; which there are, runs
  /// tell by their metrics.
  ///
  /// - Parameter isWanted: whether to warn of a column, beside those that there are.
  private func warnOfUnknownColumns(_ isWanted: (String, [String]) -> Bool) {
    let known = Set(journal.records.flatMap { $0.figures.map(\.name) })
    guard !known.isEmpty else { return }
    for column in study.columns(of: journal.records)
    where !known.contains(column) && !StudyColumn.plain.contains(column)
      && isWanted(column, known.sorted()) && unknownColumns.insert(column).inserted
    {
      world.warn(
        "table: no run so far has \(column); there are \(known.sorted().joined(separator: ", "))")
    }
  }

  /// Writes tables and picture, and prints the table; collective.
  func report() throws {
    let table = StudyTable(study, journal.records)
    try world.first("write the table of \(folder)") {
      try File.replace(folder + "/table.md") { try $0.write(table.markdown) }
      try File.replace(folder + "/table.csv") { try $0.write(table.csv) }
      let picture = try StudyPicture(study, journal.records, folder: folder)
      try File.replace(folder + "/study.svg") { try $0.write(picture.svg()) }
    }
    world.print("\n" + table.text(columns: World.columns ?? 80))
    warnOfUnknownColumns { _, _ in true }
    world.print(
      Format.wrapped(
        "\ntable.md, table.csv and study.svg are in \(folder)", World.columns, indent: "  "))
  }
}

extension RankFailure {
  /// As one rank tells the others of it.
  fileprivate var json: JSON {
    .object([
      .init("failed", .integer(Int(exitCode.rawValue))), .init("rank", .integer(rank)),
      .init("message", .string(message)),
    ])
  }

  fileprivate init?(json: JSON) {
    guard let code = json["failed"]?.int, let rank = json["rank"]?.int,
      let message = json["message"]?.string
    else { return nil }
    self.init(
      rank: rank, exitCode: ExitCode(rawValue: Int32(clamping: code)) ?? .fault, message: message)
  }
}

extension StudyJob {
  /// The folder of a study.
  ///
  /// - Throws: `StudyError` where there is none to go on with.
  fileprivate func folder(of study: Study) throws -> String {
    if let out {
      guard !out.isEmpty else {
        throw UsageError("\(OptionName.out): the path is empty, name a folder or leave it out")
      }
      return withoutTrailingSlash(out)
    }
    let name = "study-" + study.name
    guard resume else { return try RunFolder.unused(name: name) }
    guard let newest = try RunFolder.newest(name: name) else {
      throw StudyError(
        description:
          "\(OptionName.resume): there is no runs/\(name)-NNN, name the folder by \(OptionName.out)",
        exitCode: .usage)
    }
    return newest
  }
}
