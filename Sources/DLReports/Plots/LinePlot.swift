import DLCore
import Glibc

/// Lines of numbers over numbers, as a picture.
package struct LinePlot: Sendable {
  /// One line.
  package struct Series: Sendable {
    let name: String
    let points: [(x: Double, y: Double)]

    /// Makes a line; points that are not finite are left out.
    package init(_ name: String, _ points: [(x: Double, y: Double)]) {
      self.name = name
      self.points = points.filter { $0.x.isFinite && $0.y.isFinite }
    }
  }

  private static let colors = [
    "#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#0b7285", "#bf3989", "#57606a",
  ]

  let title: String
  let xTitle: String
  let series: [Series]
  /// The bounds of the vertical axis; those of the points unless given.
  let yRange: ClosedRange<Double>?
  /// True if heights are percentages.
  let isShare: Bool

  /// Makes a plot.
  package init(
    title: String, xTitle: String, series: [Series], yRange: ClosedRange<Double>? = nil,
    isShare: Bool = false
  ) {
    self.title = title
    self.xTitle = xTitle
    self.series = series
    self.yRange = yRange
    self.isShare = isShare
  }

  /// Writes the picture.
  ///
  /// - Throws: `FormatError` where the file cannot be written.
  package func writeSVG(to path: String) throws {
    try File.replace(path) { try $0.write(svg()) }
  }

  /// The picture as SVG.
  package func svg() -> String {
    let all = series.flatMap(\.points)
    let x = PlotAxis(covering: all.map(\.x))
    let y = PlotAxis(covering: yRange.map { [$0.lowerBound, $0.upperBound] } ?? all.map(\.y))
    func label(_ value: Double) -> String {
      isShare ? Format.percent(value, 0) : Format.significant(value, 6)
    }
    let plot = SVGPlot(
      title: title, xTitle: xTitle,
      xTicks: x.ticks.map { (x.share($0), Format.significant($0, 6)) },
      yTicks: y.ticks.map { (y.share($0), label($0)) })
    var shapes: [String] = []
    for (index, one) in series.enumerated() {
      let color = LinePlot.colors[index % LinePlot.colors.count]
      let places = one.points.map { (x.share($0.x), y.share($0.y)) }
      shapes.append(plot.line(places.map { (x: $0.0, y: $0.1) }, color: color))
      shapes += places.map {
        "<circle cx=\"\(plot.x($0.0))\" cy=\"\(plot.y($0.1))\" r=\"2.5\" fill=\"\(color)\"/>"
      }
      guard series.count > 1 else { continue }
      shapes.append(
        "<text x=\"690\" y=\"\(66 + 16 * index)\" text-anchor=\"end\" fill=\"\(color)\">"
          + "\(SVGPlot.escaped(one.name))</text>")
    }
    return SVGPlot.document([plot.panel(shapes)])
  }
}

/// An axis from a round number to another that covers some values.
struct PlotAxis {
  let low: Double
  let high: Double
  let step: Double

  /// Covers all finite values among these.
  init(covering values: [Double]) {
    // Differences of what lies within do not overflow.
    let finite = values.filter(\.isFinite).map { min(max($0, -1e300), 1e300) }
    var (least, most) = (finite.min() ?? 0, finite.max() ?? 1)
    if most - least <= 1e-12 * max(abs(least), abs(most), .leastNormalMagnitude) {
      let room = max(abs(least) * 0.1, 1e-6)
      (least, most) = (least - room, most + room)
    }
    let rough = (most - least) / 5
    let power = pow(10, floor(log10(rough)))
    step = ([1, 2, 2.5, 5, 10].first { $0 * power >= rough } ?? 10) * power
    low = floor(least / step + 1e-9) * step
    high = ceil(most / step - 1e-9) * step
  }

  /// The marks, both ends among them.
  var ticks: [Double] {
    let steps = ((high - low) / step).rounded()
    let count = steps.isFinite ? Int(min(max(steps, 1), 20)) : 1
    return (0...count).map {
      let value = low + Double($0) * step
      return abs(value) < step * 1e-9 ? 0 : value
    }
  }

  /// The place of a value as a share of the axis.
  func share(_ value: Double) -> Double { min(max((value - low) / (high - low), 0), 1) }
}
