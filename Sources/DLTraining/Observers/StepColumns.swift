import DLCore

/// The columns of the table that a run prints, and which of them fit a terminal.
package struct StepColumns {
  /// One column.
  private struct Column {
    let title: String
    /// Characters, with the blank in front.
    let width: Int
    /// Columns of lower rank go first where there is no room; those of rank 9 never.
    let rank: Int
  }

  private let columns: [Column]
  /// The numbers of characters that a figure may have.
  package let figureWidth = 8
  /// The parts of a step's time that have a column each.
  package let parts: [StepTimes.Part]

  /// Makes the columns of a run.
  package init(_ plan: RunPlan) {
    parts = StepTimes.parts.filter {
      !$0.column.isEmpty && ($0.name != "sync_bn" || plan.gathersStatistics)
    }
    let figureWidth = figureWidth
    let metric = plan.metric?.replacing("_", with: " ") ?? "val acc"
    let (place, end) = (plan.isWithinEpoch ? "done" : "epoch", plan.place(of: plan.totalSteps))
    let steps = String(plan.totalSteps).count
    columns =
      [
        // Within an epoch there is a digit more.
        Column(title: place, width: max(5, end.count + 2), rank: 9),
        Column(title: "step", width: max(4, steps) + 2, rank: 7),
        Column(title: "loss", width: figureWidth + 1, rank: 9),
        Column(title: "val loss", width: figureWidth + 1, rank: 8),
        Column(title: metric, width: max(figureWidth, metric.count) + 1, rank: 8),
      ]
      + plan.metrics.map { name in
        let title = name.replacing("_", with: " ")
        return Column(title: title, width: max(figureWidth, title.count) + 1, rank: 6)
      } + [
        Column(title: "lr", width: 9, rank: 4),
        Column(title: "samples/s", width: 10, rank: 5),
      ]
      + parts.map { Column(title: $0.column, width: 5, rank: $0.rank) }
      + [Column(title: "time left", width: 10, rank: 6)]
  }

  /// The titles of the columns that fit.
  package func heading(_ limit: Int?) -> String {
    line(columns.map(\.title), shown(limit))
  }

  /// A line of cells, one for each column; a cell that is longer than its column takes the room of
  /// less important ones.
  package func line(_ cells: [String], _ limit: Int?) -> String {
    var shown = shown(limit)
    func text() -> String { line(cells, shown) }
    while let limit, Format.width(text()) > limit, let least = least(shown) { shown.remove(least) }
    return text()
  }

  /// The columns that fit into a width, of a terminal whose last column stays free.
  package func shown(_ limit: Int?) -> Set<Int> {
    var shown = Set(columns.indices)
    while let limit, shown.reduce(0, { $0 + columns[$1].width }) >= limit, let least = least(shown)
    {
      shown.remove(least)
    }
    return shown
  }

  /// The meaning of the titles of the shown parts of a step's time; nil where none is shown.
  package func legend(_ limit: Int?) -> String? {
    let first = columns.count - 1 - parts.count
    let shown = shown(limit)
    let words = parts.enumerated().filter { shown.contains(first + $0.offset) }
      .map { "\($0.element.column) (\($0.element.meaning))" }
    guard !words.isEmpty else { return nil }
    return Format.wrapped("shares of the time: " + words.joined(separator: ", "), limit)
  }

  private func least(_ shown: Set<Int>) -> Int? {
    shown.filter { columns[$0].rank < 9 }.min {
      (columns[$0].rank, -$0) < (columns[$1].rank, -$1)
    }
  }

  private func line(_ cells: [String], _ shown: Set<Int>) -> String {
    var line = ""
    for index in shown.sorted() where index < cells.count {
      let cell = Format.right(cells[index], columns[index].width)
      // Two numbers are never one.
      line += (line.isEmpty || cell.hasPrefix(" ") || cell.isEmpty ? "" : " ") + cell
    }
    return line
  }
}
