import DLCore
import DLTensor
import DLTraining

/// The time of steps as tables: by op, and by op and layer.
package struct ProfileTable: Sendable {
  /// A line of a table.
  struct Line: Sendable {
    let op: String
    /// The layer, or how many there are.
    let layer: String
    /// Forward or backward; empty for what is no op.
    let pass: String
    let totals: OpProfile.Totals
    let seconds: Double
  }

  /// All ops of a name in one direction together, and what is no op.
  let ops: [Line]
  /// Ops in layers.
  let layers: [Line]
  let total: Double
  let steps: Int

  /// Takes the ops of some steps, and the sums of the steps' times.
  package init(_ rows: [OpProfile.Row], _ times: StepTimes, steps: Int) {
    func line(_ op: String, _ layer: String, _ pass: String, _ totals: OpProfile.Totals) -> Line {
      Line(
        op: op, layer: layer, pass: pass, totals: totals,
        seconds: Double(totals.nanoseconds) * 1e-9)
    }
    var (layers, ops): ([Line], [Line]) = ([], [])
    let passes = [("forward", \OpProfile.Row.forward), ("backward", \OpProfile.Row.backward)]
    for (pass, part) in passes {
      var names: [String] = []
      for row in rows where row[keyPath: part].calls > 0 {
        layers.append(line(row.op, row.layer, pass, row[keyPath: part]))
        if !names.contains(row.op) { names.append(row.op) }
      }
      for name in names {
        let same = rows.filter { $0.op == name && $0[keyPath: part].calls > 0 }
        var sum = OpProfile.Totals()
        for row in same { sum.add(row[keyPath: part]) }
        ops.append(
          line(name, same.count > 1 ? "\(same.count) layers" : same[0].layer, pass, sum))
      }
    }
    let inOps = ops.reduce(0) { $0 + $1.seconds }
    for part in StepTimes.parts {
      let isCompute = part.name == "compute"
      let seconds = isCompute ? max(times.compute - inOps, 0) : times[keyPath: part.seconds]
      guard seconds > 0 else { continue }
      ops.append(
        Line(
          op: isCompute ? "other computing" : part.title, layer: "", pass: "",
          totals: OpProfile.Totals(), seconds: seconds))
    }
    self.ops = ops.sorted { ($0.seconds, $1.op) > ($1.seconds, $0.op) }
    self.layers = layers.sorted { ($0.seconds, $1.layer) > ($1.seconds, $0.layer) }
    total = times.total
    self.steps = steps
  }

  /// Both tables, in each the lines that took most of the time and one for all others.
  package func text(columns: Int?) -> String {
    let title =
      "rank 0: \(Format.shortTime(total / Double(max(steps, 1)))) a step, "
      + "\(counted(steps, "step"))"
    let tables = [table(ops, "in", 24, columns), table(layers, "layer", 24, columns)]
    return ([title] + tables).joined(separator: "\n\n")
  }

  private func table(_ lines: [Line], _ place: String, _ shown: Int, _ columns: Int?) -> String {
    var rows = [["op", place, "pass", "calls", "time", "share", "rate"]]
    for line in lines.prefix(shown) {
      rows.append([
        line.op, line.layer, line.pass,
        line.totals.calls > 0 ? Format.grouped(line.totals.calls) : "",
        Format.shortTime(line.seconds), share(line.seconds), rate(line.totals),
      ])
    }
    let rest = lines.dropFirst(shown)
    if !rest.isEmpty {
      let seconds = rest.reduce(0) { $0 + $1.seconds }
      rows.append([
        "\(rest.count) more", "", "", Format.grouped(rest.reduce(0) { $0 + $1.totals.calls }),
        Format.shortTime(seconds), share(seconds), "",
      ])
    }
    return Format.table(rows, rightAligned: [3, 4, 5, 6], columns: columns)
  }

  private func share(_ seconds: Double) -> String {
    total > 0 ? Format.percent(seconds / total, 1) : "-"
  }

  /// Arithmetic a second for products, bytes a second for all others; none for what hands memory on
  /// without work.
  private func rate(_ totals: OpProfile.Totals) -> String {
    guard totals.nanoseconds > 1000 * totals.calls else { return "" }
    let nanoseconds = Double(totals.nanoseconds)
    return totals.multiplyAdds > 0
      ? Format.significant(2 * Double(totals.multiplyAdds) / nanoseconds, 3) + " GFLOP/s"
      : Format.significant(Double(totals.bytes) / nanoseconds, 3) + " GB/s"
  }
}
