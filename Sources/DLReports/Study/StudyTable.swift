import DLCore
import DLFormats

/// The results of the variants of a study, each with the mean over its seeds and folds.
struct StudyTable {
  /// A row: a variant and its runs.
  struct Row {
    let variant: Study.Variant
    let records: [StudyRecord]

    /// Those that trained to their end.
    var finished: [StudyRecord] { records.filter { !$0.hasDiverged } }

    /// The mean of a figure, with the deviation of a sample where there are several.
    func mean(_ column: String) -> (mean: Double, deviation: Double?)? {
      let values = finished.compactMap { $0[column] }
      guard !values.isEmpty else { return nil }
      let count = Double(values.count)
      let mean = values.reduce(0, +) / count
      guard values.count > 1 else { return (mean, nil) }
      // The mean of equal numbers is theirs, and not a rounding away from it.
      if values.allSatisfy({ $0 == values[0] }) { return (values[0], 0) }
      let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      return (mean, (squares / (count - 1)).squareRoot())
    }

    /// The seeds and folds of its runs that have diverged; empty where none has.
    var diverged: String {
      let diverged = records.filter(\.hasDiverged)
      guard let first = diverged.first else { return "" }
      return records.count == 1
        ? "at step \(first.step + 1)" : "\(diverged.count) of \(records.count)"
    }
  }

  let study: Study
  let columns: [String]
  let rows: [Row]
  private let records: [StudyRecord]

  init(_ study: Study, _ records: [StudyRecord]) {
    self.study = study
    // In the order of the file, whatever the order in which runs have ended.
    let byName = Dictionary(records.map { ($0.run, $0) }, uniquingKeysWith: { $1 })
    self.records = study.runs.compactMap { byName[$0.name] }
    columns = study.columns(of: records)
    rows = study.variants.indices.map { index in
      Row(
        variant: study.variants[index],
        records: study.runs.filter { $0.variant == index }.compactMap { byName[$0.name] })
    }
  }

  /// A figure as a person reads it.
  static func text(_ value: Double, _ column: String) -> String {
    switch column {
    case "seconds": value < 10 ? Format.significant(value, 2) : Format.fixed(value, 1)
    case "steps", "parameters": Format.grouped(value)
    default: Format.significant(value, 4)
    }
  }

  private func cell(_ row: Row, _ column: String) -> String {
    guard let (mean, deviation) = row.mean(column) else { return "-" }
    let text = StudyTable.text(mean, column)
    guard let deviation, !["steps", "parameters"].contains(column) else { return text }
    return "\(text) ± \(Format.significant(deviation, 2))"
  }

  private var hasDiverged: Bool { rows.contains { !$0.diverged.isEmpty } }

  private var cells: [[String]] {
    let heading = study.headings + columns + (hasDiverged ? ["diverged"] : [])
    return [heading.isEmpty ? ["run"] : heading]
      + rows.map { row in
        row.variant.cells + columns.map { cell(row, $0) } + (hasDiverged ? [row.diverged] : [])
      }
  }

  /// The table for a terminal.
  func text(columns width: Int?) -> String {
    let first = study.headings.count
    return Format.table(
      cells, rightAligned: Set(first..<first + columns.count), columns: width)
  }

  /// The table in Markdown, below the study's name.
  var markdown: String {
    func line(_ cells: [String]) -> String {
      "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
    }
    let all = cells
    let marks = all[0].indices.map { index in
      (study.headings.count..<study.headings.count + columns.count).contains(index) ? "---:" : "---"
    }
    let repeats = (rows.map(\.records.count).max() ?? 1)
    let note = repeats > 1 ? "\n\(repeats) runs each: mean ± deviation of a sample.\n" : ""
    return "# \(study.name)\n\(note)\n"
      + ([line(all[0]), line(marks)] + all.dropFirst().map(line)).joined(separator: "\n") + "\n"
  }

  /// Every run with all of its figures (RFC 4180).
  var csv: String {
    var names: [String] = []
    for record in records {
      for figure in record.figures where !names.contains(figure.name) { names.append(figure.name) }
    }
    func quoted(_ text: String) -> String {
      text.contains { "\",\n\r".contains($0) }
        ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
    }
    let head = study.headings + ["seed", "fold", "end", "step"] + names
    let lines = records.map { record -> [String] in
      guard let run = study.runs.first(where: { $0.name == record.run }) else { return [] }
      return study.variants[run.variant].cells
        + [run.seed.map { "\($0)" } ?? "", run.fold.map { "\($0)" } ?? "", record.end]
        + ["\(record.step)"]
        + names.map { name in
          record[name].map { $0.isFinite ? JSON.number($0).description : "\($0)" } ?? ""
        }
    }
    return ([head] + lines).map { $0.map(quoted).joined(separator: ",") + "\r\n" }.joined()
  }
}
