import DLCore
import DLFormats
import DLJobs
import DLOptimizers

/// The learning rate over a run, as a picture.
package struct LearningRateCurve: Sendable {
  let name: String
  let base: Double
  /// The change that `scale_lr` makes to the rate, which the schedule has in it; empty for none.
  let scaling: String
  let schedule: any Schedule
  let totalSteps: Int
  let stepsPerEpoch: Int
  let goesByValidation: Bool

  /// The rate of a step, counted from 0.
  func rate(_ step: Int) -> Double { base * schedule.multiplier(step: step) }

  /// The least and the largest rate in each of `count` equal parts of the run.
  ///
  /// A long part is looked at in 64 places, its ends among them.
  func parts(_ count: Int) -> [ClosedRange<Double>] {
    (0..<count).map { part in
      let (first, last) = (
        start(part, of: count), max(start(part, of: count), start(part + 1, of: count) - 1)
      )
      let samples = min(last - first, 63)
      let rates = (0...max(samples, 0)).map { sample in
        rate(samples == 0 ? first : first + scaled(last - first, sample, of: samples))
      }
      return (rates.min() ?? 0)...(rates.max() ?? 0)
    }
  }

  /// The first step of a part.
  private func start(_ part: Int, of count: Int) -> Int {
    min(scaled(totalSteps, part, of: count), max(totalSteps - 1, 0) + (part == count ? 1 : 0))
  }

  /// `value * part / count` without overflow.
  private func scaled(_ value: Int, _ part: Int, of count: Int) -> Int {
    value / count * part + value % count * part / count
  }

  /// The top of the axis.
  var top: Double {
    let largest = parts(512).map(\.upperBound).max() ?? 0
    return largest > 0 && largest.isFinite ? largest : 1
  }

  /// The title: what the picture shows, in a line.
  var title: String {
    let epochs = Format.significant(Double(totalSteps) / Double(max(stepsPerEpoch, 1)), 4)
    return "learning rate: \(name), lr \(Format.significant(base, 6))\(scaling), "
      + "\(Format.count(totalSteps, "step")) in \(epochs) "
      + (epochs == "1" ? "epoch" : "epochs")
  }

  /// A plot in characters.
  ///
  /// - Parameters:
  ///   - isPlain: whether to keep to ASCII, as for a pipe.
  ///   - width: of the plot without its labels.
  ///   - height: of the plot in lines.
  ///   - columns: the width to keep to with the labels; nil for any.
  package func text(isPlain: Bool, width: Int = 72, height: Int = 13, columns: Int? = nil) -> String
  {
    let title = Format.wrapped(title, columns, indent: "  ")
    guard totalSteps > 0 else { return title }
    let width = min(width, max(24, (columns ?? .max) - 14))
    var canvas = DotCanvas(width: width, height: height, isPlain: isPlain)
    let top = top
    var previous: ClosedRange<Double>?
    for (column, range) in parts(canvas.columns).enumerated() {
      // A jump between two columns is drawn as the line that it is.
      let low = min(range.lowerBound, previous.map(\.upperBound) ?? .infinity)
      let high = max(range.upperBound, previous.map(\.lowerBound) ?? -.infinity)
      canvas.fill(column, from: low / top, to: high / top)
      previous = range
    }
    let labels = [0, (height - 1) / 2, height - 1].map { row in
      (row, Format.significant(top * (1 - Double(row) / Double(max(height - 1, 1))), 4))
    }
    let margin = labels.map(\.1.count).max() ?? 0
    let (tick, bar, corner, line) = isPlain ? ("+", "|", "+", "-") : ("┤", "│", "└", "─")
    var lines = [title, ""]
    for (row, dots) in canvas.lines.enumerated() {
      let label = labels.first { $0.0 == row }?.1
      lines.append("\(Format.right(label ?? "", margin)) \(label == nil ? bar : tick)\(dots)")
    }
    lines.append(Format.right("", margin + 1) + corner + String(repeating: line, count: width))
    let (middle, end) = (Format.grouped(totalSteps / 2), "step " + Format.grouped(totalSteps))
    let left = Format.left("0", width / 2 - middle.count / 2) + middle
    lines.append(Format.right("", margin + 2) + left + Format.right(end, width - left.count))
    if goesByValidation {
      lines.append("as long as every validation improves; it falls where one does not")
    }
    return lines.joined(separator: "\n")
  }

  /// Writes the plot as a picture.
  ///
  /// - Throws: `FormatError` where the file cannot be written.
  package func writeSVG(to path: String) throws {
    try File.replace(path) { try $0.write(svg()) }
  }

  /// The plot as SVG.
  package func svg() -> String {
    let top = top
    let columns = max(min(totalSteps, 620), 1)
    let marks = (0...4).map { (part: $0, share: Double($0) / 4) }
    let plot = SVGPlot(
      title: title, xTitle: "step",
      xTicks: marks.map { ($0.share, Format.grouped(scaled(totalSteps, $0.part, of: 4))) },
      yTicks: SVGPlot.ticks(top))
    var points: [String] = []
    for (index, range) in parts(columns).enumerated() where totalSteps > 0 {
      let place = plot.x(columns == 1 ? 0 : Double(index) / Double(columns - 1))
      let isFalling = rate(start(index, of: columns)) >= range.upperBound
      let ends =
        isFalling ? [range.upperBound, range.lowerBound] : [range.lowerBound, range.upperBound]
      points += (ends[0] == ends[1] ? [ends[0]] : ends).map { "\(place),\(plot.y($0 / top))" }
    }
    return SVGPlot.document([plot.panel([plot.polyline(points, color: "#1f6feb")])])
  }
}

/// Dots in lines of characters: eight to a character of Braille, or one where it is plain.
private struct DotCanvas {
  let columns: Int
  private let rows: Int
  private let isPlain: Bool
  private var dots: [Bool]

  init(width: Int, height: Int, isPlain: Bool) {
    columns = isPlain ? width : 2 * width
    rows = isPlain ? height : 4 * height
    self.isPlain = isPlain
    dots = Array(repeating: false, count: columns * rows)
  }

  /// Fills part of a column; 0 is the bottom and 1 the top.
  mutating func fill(_ column: Int, from low: Double, to high: Double) {
    func row(_ share: Double) -> Int {
      share.isFinite ? Int(((1 - min(max(share, 0), 1)) * Double(rows - 1)).rounded()) : rows - 1
    }
    for row in row(high)...max(row(high), row(low)) { dots[row * columns + column] = true }
  }

  var lines: [String] {
    guard !isPlain else {
      return (0..<rows).map { row in
        let marks = dots[row * columns..<(row + 1) * columns]
        return String(
          marks[...(marks.lastIndex(of: true) ?? marks.startIndex)].map { $0 ? "*" : " " })
      }
    }
    // Unicode numbers the dots of a cell down its columns, the bottom row last.
    let bits: [[UInt32]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
    return stride(from: 0, to: rows, by: 4).map { row in
      var line = ""
      for column in stride(from: 0, to: columns, by: 2) {
        var code: UInt32 = 0x2800
        for (y, pair) in bits.enumerated() {
          for (x, bit) in pair.enumerated() where dots[(row + y) * columns + column + x] {
            code |= bit
          }
        }
        line.unicodeScalars.append(Unicode.Scalar(code) ?? " ")
      }
      return line
    }
  }
}
