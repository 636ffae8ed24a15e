import DLCore
import DLFormats
import DLTraining
import Glibc

extension ScalingReport {
  /// Writes throughput and efficiency as a picture.
  ///
  /// - Throws: `FormatError` where the file cannot be written.
  package func writeSVG(to path: String) throws {
    try File.replace(path) { try $0.write(svg()) }
  }

  /// Throughput and efficiency over the ranks: points as measured, a line as the model says, and
  /// dashed what each further rank would add without loss.
  package func svg() -> String {
    guard let first = points.first, let last = points.last else { return SVGPlot.document([]) }
    let (low, high) = (log2(Double(first.ranks)), log2(Double(max(last.ranks, first.ranks * 2))))
    func place(_ ranks: Double) -> Double { (log2(ranks) - low) / (high - low) }
    let xTicks = points.map { (place(Double($0.ranks)), "\($0.ranks)") }
    let ideal = first.samplesPerSecond / Double(first.ranks)
    let top = SVGPlot.rounded(
      max(points.map(\.samplesPerSecond).max() ?? 1, ideal * Double(last.ranks)))
    let line = predictions(from: first.ranks, to: last.ranks)
    let growthName = growth == .weak ? "weak" : "strong"

    let throughput = SVGPlot(
      title: "\(first.workload): samples/s, \(growthName) scaling", xTitle: "ranks",
      xTicks: xTicks, yTicks: SVGPlot.ticks(top))
    let efficiency = SVGPlot(
      title: "efficiency", xTitle: "ranks", xTicks: xTicks,
      yTicks: [0, 0.25, 0.5, 0.75, 1].map { ($0 / 1.25, Format.percent($0, 0)) })
    func share(_ efficiency: Double) -> Double { min(max(efficiency / 1.25, 0), 1) }
    return SVGPlot.document([
      throughput.panel(
        [
          throughput.line(
            line.map { (place($0.ranks), ideal * $0.ranks / top) }, color: "#999",
            style: " stroke-dasharray=\"4 4\""),
          throughput.line(
            line.map { (place($0.ranks), min($0.samplesPerSecond / top, 1)) }, color: "#1f6feb"),
        ]
          + points.map {
            throughput.dot(place(Double($0.ranks)), $0.samplesPerSecond / top, color: "#d1242f")
          }),
      efficiency.panel(
        [
          efficiency.line(
            line.map { (place($0.ranks), share(1)) }, color: "#999",
            style: " stroke-dasharray=\"4 4\""),
          efficiency.line(
            line.map {
              (
                place($0.ranks),
                share(self.efficiency($0.samplesPerSecond, ranks: Int($0.ranks)))
              )
            }, color: "#1f6feb"),
        ]
          + points.map {
            efficiency.dot(
              place(Double($0.ranks)), share(self.efficiency($0.samplesPerSecond, ranks: $0.ranks)),
              color: "#d1242f")
          }),
    ])
  }

  /// The model's predictions for every number of ranks in a range, of at most some hundred of them.
  private func predictions(from: Int, to: Int) -> [(ranks: Double, samplesPerSecond: Double)] {
    guard let model, let first = points.first else { return [] }
    let stride = max((to - from) / 200, 1)
    return Swift.stride(from: from, through: to, by: stride).compactMap { ranks in
      let rows = rows(ranks: ranks, of: points)
      guard let step = model.seconds(first, ranks: ranks, rows: rows), step > 0 else { return nil }
      return (Double(ranks), Double(rows) / step)
    }
  }
}

extension SVGPlot {
  /// Four marks up to the top of an axis, and its foot.
  static func ticks(_ top: Double) -> [Tick] {
    (0...4).map { (Double($0) / 4, Format.significant(top * Double($0) / 4, 4)) }
  }

  /// The next number above, of two digits.
  static func rounded(_ value: Double) -> Double {
    guard value > 0, value.isFinite else { return 1 }
    let unit = pow(10, log10(value).rounded(.down) - 1)
    return (value / unit).rounded(.up) * unit
  }

  /// A point.
  func dot(_ x: Double, _ y: Double, color: String) -> String {
    "<circle cx=\"\(self.x(x))\" cy=\"\(self.y(y))\" r=\"4\" fill=\"\(color)\"/>"
  }
}
