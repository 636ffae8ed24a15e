import DLCluster
import DLCore
import DLFormats
import DLJobs

/// Steps measured at several numbers of ranks beside what ``CostModel`` says.
package struct ScalingReport: Sendable {
  let points: [StepMeasurement]
  let others: [[StepMeasurement]]
  let growth: ScalingBenchmark.Growth
  let host: ScalingBenchmark.Host
  let predictedRanks: [Int]
  let cores: Int

  package init(
    points: [StepMeasurement], others: [[StepMeasurement]], growth: ScalingBenchmark.Growth,
    host: ScalingBenchmark.Host, predictedRanks: [Int], cores: Int
  ) {
    self.points = points
    self.others = others
    self.growth = growth
    self.host = host
    self.predictedRanks = predictedRanks
    self.cores = cores
  }

  /// A measured step, as fitted and as predicted from the other points.
  package struct Line {
    let point: StepMeasurement
    /// Seconds by the model fitted to all points.
    package let fitted: Double?
    /// Seconds by the model fitted to all points but this one.
    package let leftOut: Double?

    /// The relative error of a prediction.
    package func error(_ predicted: Double?) -> Double? { predicted.map { $0 / point.seconds - 1 } }
  }

  var model: CostModel? { CostModel(fitting: points, cores: cores) }

  /// Each point beside the model.
  package var lines: [Line] {
    let model = model
    return points.map { point in
      let rest = points.filter { $0.ranks != point.ranks }
      return Line(
        point: point, fitted: model?.seconds(point, ranks: point.ranks, rows: point.rows),
        leftOut: CostModel(fitting: rest, cores: cores)?.seconds(
          point, ranks: point.ranks, rows: point.rows))
    }
  }

  /// Throughput over that of as many ranks of the smallest measured number.
  package func efficiency(_ samplesPerSecond: Double, ranks: Int) -> Double {
    guard let first = points.first, first.samplesPerSecond > 0 else { return .nan }
    return samplesPerSecond / Double(ranks) / (first.samplesPerSecond / Double(first.ranks))
  }

  /// Rows of a step at a number of ranks.
  package func rows(ranks: Int, of points: [StepMeasurement]) -> Int {
    guard let first = points.first else { return 0 }
    return growth == .weak ? first.rowsPerRank * ranks : first.rows
  }

  /// The tables as text.
  package var text: String { text(columns: nil) }

  /// The tables as text.
  ///
  /// - Parameter columns: the width to keep to; nil for any.
  package func text(columns: Int?) -> String {
    guard let first = points.first else { return "" }
    let way = host == .threads ? "threads of one process" : "processes under mpirun"
    let size =
      growth == .weak
      ? "weak scaling, \(counted(first.rowsPerRank, "row")) a rank"
      : "strong scaling, \(counted(first.rows, "row"))"
    var parts = [
      Format.wrapped(
        "\(first.workload): \(size); ranks are \(way), on \(counted(cores, "core"))", columns),
      measured(columns),
    ]
    if let model { parts.append(coefficients(model, columns)) }
    if let table = predicted(columns) { parts.append(table) }
    parts += others.map { comparison($0, columns) }
    return parts.joined(separator: "\n\n")
  }

  private func measured(_ columns: Int?) -> String {
    var rows = [
      [
        "ranks", "rows a rank", "step", "samples/s", "efficiency", "compute", "SyncBN", "waiting",
        "sum", "optimizer", "model", "error", "left out", "error",
      ]
    ]
    for line in lines {
      let (point, times) = (line.point, line.point.times)
      rows.append(
        [
          "\(point.ranks)", "\(point.rowsPerRank)", Format.shortTime(point.seconds),
          Format.grouped(point.samplesPerSecond),
          Format.percent(efficiency(point.samplesPerSecond, ranks: point.ranks), 1),
        ]
          + [
            times.compute + times.dataWait, times.syncBatchNorm, times.agreement, times.reduction,
            times.optimizer,
          ].map(Format.shortTime)
          + [
            line.fitted.map(Format.shortTime) ?? "-", errorText(line.error(line.fitted)),
            line.leftOut.map(Format.shortTime) ?? "-", errorText(line.error(line.leftOut)),
          ])
    }
    return Format.table(rows, rightAligned: Set(0..<14), columns: columns) + "\n"
      + Format.wrapped("model: fitted to all points; left out: fitted to all others", columns)
  }

  private func coefficients(_ model: CostModel, _ columns: Int?) -> String {
    var rows = [
      ["computing", Format.shortTime(model.row), "a row"],
      ["updating", Format.significant(model.update * 1e9, 3) + " ns", "a parameter"],
    ]
    if let byte = model.byte, let latency = model.latency {
      rows.append([
        "summing", byte > 0 ? Format.significant(1e-9 / byte, 3) + " GB/s" : "-",
        "over the bytes read and written by all ranks",
      ])
      rows.append([
        "waiting", Format.shortTime(latency), "a collective, for each doubling of the ranks",
      ])
    }
    return Format.table(rows, rightAligned: [1], columns: columns)
  }

  /// The model's prediction for numbers of ranks that were not measured.
  private func predicted(_ columns: Int?) -> String? {
    guard let model, let first = points.first, !predictedRanks.isEmpty, model.byte != nil else {
      return nil
    }
    var table = [["predicted", "rows a rank", "step", "efficiency", "a core each", "efficiency"]]
    for ranks in predictedRanks {
      let rows = rows(ranks: ranks, of: points)
      let steps = [model, model.withEnoughCores].map { $0.seconds(first, ranks: ranks, rows: rows) }
      let cells = steps.flatMap { step -> [String] in
        guard let step, step > 0 else { return ["-", "-"] }
        return [
          Format.shortTime(step), Format.percent(efficiency(Double(rows) / step, ranks: ranks), 1),
        ]
      }
      table.append([counted(ranks, "rank"), "\((rows + ranks - 1) / ranks)"] + cells)
    }
    return Format.table(table, rightAligned: Set(1..<6), columns: columns)
  }

  /// Another network beside what the machine's coefficients and its own smallest run say.
  private func comparison(_ points: [StepMeasurement], _ columns: Int?) -> String {
    guard let first = points.first, let model = model?.with(network: first) else { return "" }
    var table = [["ranks", "rows a rank", "step", "predicted", "error"]]
    for point in points.dropFirst() {
      let step = model.seconds(first, ranks: point.ranks, rows: point.rows)
      table.append([
        "\(point.ranks)", "\(point.rowsPerRank)", Format.shortTime(point.seconds),
        step.map(Format.shortTime) ?? "-", errorText(step.map { $0 / point.seconds - 1 }),
      ])
    }
    let title =
      "\(first.workload): predicted from its run on \(counted(first.ranks, "rank")) and the costs above"
    return Format.wrapped(title, columns) + "\n\n"
      + Format.table(table, rightAligned: Set(0..<5), columns: columns)
  }

  private func errorText(_ error: Double?) -> String {
    error.map { ($0 < 0 ? "" : "+") + Format.percent($0, 1) } ?? "-"
  }
}
