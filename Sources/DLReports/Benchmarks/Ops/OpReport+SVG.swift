import DLCore
import Glibc

extension OpReport {
  private static let colors = [
    "#d1242f", "#1f6feb", "#1a7f37", "#9a6700", "#8250df", "#0b7285", "#bf3989", "#57606a",
  ]

  /// Writes the roofline as a picture.
  ///
  /// - Throws: `FormatError` where the file cannot be written.
  package func writeSVG(to path: String) throws {
    try File.replace(path) { try $0.write(svg()) }
  }

  /// Products over their arithmetic for each byte that they move at least, below the roofs of the
  /// machine: the bandwidth of each level of the memory, and the arithmetic of each instruction set.
  ///
  /// Williams, Waterman and Patterson 2009, "Roofline".
  package func svg() -> String {
    let products = measurements.filter { $0.flops > 0 && $0.seconds > 0 }
    let intensities = products.map { $0.flops / $0.bytes } + [0.25, 64]
    let most = peaks.flops(bfloat16: isBFloat16)
    let rates = products.map(\.flopRate) + [most, most / 100]
    let x = LogAxis(covering: intensities)
    let y = LogAxis(covering: rates.map { $0 * 1e-9 })
    let plot = SVGPlot(
      title: "Products: GFLOP/s over FLOP for each byte", xTitle: "FLOP for each byte",
      xTicks: x.ticks, yTicks: y.ticks)
    var shapes: [String] = []
    for one in peaks.arithmetic where isBFloat16 || !one.isBFloat16 {
      let height = y.share(one.flops * 1e-9)
      shapes.append(plot.line([(0, height), (1, height)], color: "#999"))
      shapes.append(label(plot, 1, height, one.set, anchor: "end"))
    }
    for level in peaks.bandwidths {
      let roof = stride(from: 0.0, through: 1, by: 0.01).compactMap {
        share -> (x: Double, y: Double)? in
        let rate = level.bytesPerSecond * x.value(share)
        return rate > most || rate * 1e-9 < y.low
          ? nil : (x: share, y: y.share(rate * 1e-9))
      }
      // Right of the line and below it, some way up: the line would strike the name through.
      guard let place = roof.dropFirst(roof.count / 8).first else { continue }
      shapes.append(plot.line(roof, color: "#999", style: " stroke-dasharray=\"4 4\""))
      shapes.append(label(plot, place.x, place.y, level.level, anchor: "start", dx: 6, dy: 8))
    }
    var names: [String] = []
    for one in products where !names.contains(one.op) { names.append(one.op) }
    func color(_ name: String) -> String {
      OpReport.colors[(names.firstIndex(of: name) ?? 0) % OpReport.colors.count]
    }
    shapes += products.map {
      plot.dot(
        x.share($0.flops / $0.bytes), y.share($0.flopRate * 1e-9), color: color($0.op))
    }
    return SVGPlot.document(
      plot.panel(shapes), legend: names.map { (title: $0, color: color($0), style: "") })
  }

  private func label(
    _ plot: SVGPlot, _ x: Double, _ y: Double, _ text: String, anchor: String, dx: Int = 0,
    dy: Int = -4
  ) -> String {
    "<text x=\"\(plot.x(x))\" y=\"\(plot.y(y))\" dx=\"\(dx)\" dy=\"\(dy)\" font-size=\"11\" "
      + "text-anchor=\"\(anchor)\" fill=\"#777\">\(SVGPlot.escaped(text))</text>"
  }
}

/// An axis of powers of ten that covers some numbers above 0.
struct LogAxis {
  let low: Double
  let high: Double

  /// From the power of ten below all numbers to the one above.
  init(covering values: [Double]) {
    let logs = values.filter { $0 > 0 && $0.isFinite }.map(log10)
    let least = (logs.min() ?? 0).rounded(.down)
    low = pow(10, least)
    high = pow(10, max((logs.max() ?? 1).rounded(.up), least + 1))
  }

  /// The place of a number as a share of the axis.
  func share(_ value: Double) -> Double {
    guard value > 0 else { return 0 }
    return min(max(log10(value / low) / log10(high / low), 0), 1)
  }

  /// The number at a place.
  func value(_ share: Double) -> Double { low * pow(high / low, share) }

  /// The powers of ten.
  var ticks: [SVGPlot.Tick] {
    let count = Int(min(log10(high / low).rounded(), 30))
    return (0...count).map {
      (share: Double($0) / Double(count), label: Format.significant(low * pow(10, Double($0)), 3))
    }
  }
}
