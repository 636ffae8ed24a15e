import DLCore
import DLFormats
import DLTraining

/// The result of one run of a study.
struct StudyRecord: Sendable, Equatable {
  /// The run's name.
  let run: String
  let fingerprint: String
  /// The run's end: `finished`, `early_stop`, `diverged`.
  let end: String
  /// Optimizer steps done.
  let step: Int
  /// One line on the end.
  let message: String
  /// Figures by their names as columns.
  let figures: [Figure]

  /// A figure by its name.
  struct Figure: Sendable, Equatable {
    let name: String
    let value: Double
  }

  /// True if a loss or gradient was no number.
  var hasDiverged: Bool { end == RunEnd.Reason.diverged.rawValue }

  /// The figure of a column; nil where the run has none.
  subscript(column: String) -> Double? { figures.first { $0.name == column }?.value }

  /// As a line of the journal.
  var json: JSON {
    .object([
      .init("run", .string(run)), .init("fingerprint", .string(fingerprint)),
      .init("end", .string(end)), .init("step", .integer(step)),
      .init("message", .string(message)),
      .init("figures", .object(figures.map { .init($0.name, .number($0.value)) })),
    ])
  }
}

extension StudyRecord {
  /// Reads a line of the journal; nil where it is none.
  init?(json: JSON) {
    guard let run = json["run"]?.string, let fingerprint = json["fingerprint"]?.string,
      let end = json["end"]?.string, let step = json["step"]?.int,
      let message = json["message"]?.string, let members = json["figures"]?.members
    else { return nil }
    (self.run, self.fingerprint, self.end) = (run, fingerprint, end)
    (self.step, self.message) = (step, message)
    // What is not finite is null in JSON.
    figures = members.map { Figure(name: $0.key, value: $0.value.double ?? .nan) }
  }
}

/// The finished runs of a study, `journal.jsonl`: a heading, and a line for each.
struct StudyJournal {
  let path: String
  private let study: String
  private(set) var records: [StudyRecord] = []

  /// Makes an empty journal of a study's folder.
  init(folder: String, study: String) {
    path = folder + "/journal.jsonl"
    self.study = study
  }

  /// Reads what the folder holds, if anything.
  ///
  /// - Throws: `FormatError` with the line that is none; `StudyError` for another study's.
  /// - Returns: whether there was a journal.
  mutating func read() throws -> Bool {
    guard try File.kind(of: path) != nil else { return false }
    let lines = try TextFile.lines(of: path, limit: 1 << 28)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      let json = try? JSON(parsing: String(line), file: path)
      if index == 0, let name = json?["study"]?.string {
        guard name.hasScalars(of: study) else {
          throw StudyError(
            description:
              "\(path): is of the study \(name), not of \(study); name another \(OptionName.out)",
            exitCode: .usage)
        }
        continue
      }
      guard index > 0, let json, let record = StudyRecord(json: json) else {
        throw FormatError(
          .content, file: path, "line \(index + 1) is not of a study's journal",
          advice: "remove that line, or name another \(OptionName.out)")
      }
      records.append(record)
    }
    return true
  }

  /// Leaves out what does not count any more.
  mutating func keep(_ isKept: (StudyRecord) -> Bool) { records = records.filter(isKept) }

  /// Adds runs and brings the file to the disk as a whole: a reader finds it with them or without.
  mutating func add(_ new: [StudyRecord]) throws {
    records += new
    let heading = JSON.object([.init("study", .string(study)), .init("version", .integer(1))])
    let lines = [heading] + records.map(\.json)
    try File.replace(path) { try $0.write(lines.map { "\($0)\n" }.joined()) }
  }
}
