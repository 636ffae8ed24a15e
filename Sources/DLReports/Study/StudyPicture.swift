import DLConfiguration
import DLCore
import Glibc

/// The picture of a study: curves of its variants over the run, or a figure against a key.
struct StudyPicture {
  /// A line of the picture.
  struct Line {
    let title: String
    var points: [(x: Double, y: Double, deviation: Double)]
  }

  private let study: Study
  private let plot: StudyPlotConfiguration
  private let isLogX: Bool
  /// True if the values of that key are words, which nothing lies between.
  private var isOverWords = false
  private let lines: [Line]
  /// The values of the key with their places, where the picture goes over one.
  private var marks: [(place: Double, label: String)] = []

  private static let colors = [
    "#1f6feb", "#d1242f", "#1a7f37", "#8250df", "#bc4c00", "#0a7ea4", "#bf3989", "#57606a",
  ]
  private static let dashes = ["", "6 3", "2 3", "8 3 2 3"]

  /// Reads what the picture shows, from the journal or the run folders.
  ///
  /// - Throws: `FormatError` where the metrics of a run cannot be read.
  init(_ study: Study, _ records: [StudyRecord], folder: String) throws {
    self.study = study
    var plot = study.configuration.plot ?? StudyPlotConfiguration()
    let table = StudyTable(study, records)
    if study.configuration.plot == nil,
      !records.contains(where: { $0["validation.loss"] != nil })
    {
      plot.y = "train.loss"
    }
    self.plot = plot
    if plot.goesOverSteps {
      isLogX = plot.logX
      lines = try study.variants.indices.map { index in
        let names = Set(table.rows[index].finished.map(\.run))
        let curves = try study.runs.filter { $0.variant == index && names.contains($0.name) }
          .map { try RunFigures(folder: "\(folder)/\($0.folder)").curve(plot.y) }
        return Line(
          title: study.variants[index].title,
          points: StudyPicture.mean(of: curves, overEpochs: plot.x == "epoch"))
      }
    } else {
      let axis = study.configuration.grid.axes.firstIndex { $0.key == plot.x } ?? 0
      let values = study.configuration.grid.axes[axis].values
      let numbers = values.compactMap { Double($0) }
      let areNumbers = numbers.count == values.count
      isLogX = plot.logX && areNumbers
      func place(_ value: String) -> Double? {
        areNumbers ? Double(value) : values.firstIndex(of: value).map(Double.init)
      }
      isOverWords = !areNumbers
      marks = values.compactMap { value in place(value).map { ($0, value) } }
      lines = StudyPicture.lines(study, table, axis: axis, plot.y, place: place)
    }
  }

  /// One line for each combination of the other keys.
  private static func lines(
    _ study: Study, _ table: StudyTable, axis: Int, _ column: String,
    place: (String) -> Double?
  ) -> [Line] {
    let axes = study.configuration.grid.axes
    var lines: [Line] = []
    for (variant, row) in zip(study.variants, table.rows) {
      let others = axes.indices.filter { $0 != axis }
        .map { "\(File.lastWord(axes[$0].key))=\(variant.values[$0])" }
      let title = ([variant.name].compactMap(\.self) + others).joined(separator: " ")
      let index = lines.firstIndex { $0.title == title } ?? lines.count
      if index == lines.count { lines.append(Line(title: title, points: [])) }
      guard let x = place(variant.values[axis]), let (mean, deviation) = row.mean(column)
      else { continue }
      lines[index].points.append((x, mean, deviation ?? 0))
    }
    return lines.map { line in
      Line(title: line.title, points: line.points.sorted { $0.x < $1.x })
    }
  }

  /// The mean of curves at the steps that all of them have, in at most some hundred points.
  private static func mean(of curves: [[RunFigures.Point]], overEpochs: Bool)
    -> [(x: Double, y: Double, deviation: Double)]
  {
    guard let first = curves.first else { return [] }
    var sums: [Int: (sum: Double, count: Int)] = [:]
    for point in curves.joined() {
      let old = sums[point.step] ?? (0, 0)
      sums[point.step] = (old.sum + point.value, old.count + 1)
    }
    let points = first.compactMap { point -> (x: Double, y: Double)? in
      guard let (sum, count) = sums[point.step], count == curves.count else { return nil }
      return (overEpochs ? point.epoch : Double(point.step), sum / Double(count))
    }
    let width = max((points.count + 199) / 200, 1)
    return stride(from: 0, to: points.count, by: width).map { start in
      let part = points[start..<min(start + width, points.count)]
      let count = Double(part.count)
      return (
        part.reduce(0) { $0 + $1.x } / count, part.reduce(0) { $0 + $1.y } / count, 0
      )
    }
  }

  /// The picture as SVG.
  func svg() -> String {
    let points = lines.flatMap(\.points)
    let horizontal = StudyAxis(points.map(\.x) + marks.map(\.place), isLogarithmic: isLogX)
    let vertical = StudyAxis(
      points.flatMap { [$0.y - $0.deviation, $0.y + $0.deviation] }, isLogarithmic: plot.logY)
    let frame = SVGPlot(
      title: "\(study.name): \(plot.y)", xTitle: SVGPlot.escaped(plot.x),
      xTicks: marks.isEmpty || marks.count > 12
        ? horizontal.ticks
        : marks.compactMap { mark in
          horizontal.share(mark.place).map { ($0, SVGPlot.escaped(String(mark.label.prefix(24)))) }
        },
      yTicks: vertical.ticks)
    var shapes: [String] = []
    var legend: [(title: String, color: String, style: String)] = []
    for (index, line) in lines.enumerated() {
      let color = Self.colors[index % Self.colors.count]
      let dash = Self.dashes[index / Self.colors.count % Self.dashes.count]
      let style = dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\""
      legend.append((line.title, color, style))
      let places = line.points.compactMap { point in
        horizontal.share(point.x).flatMap { x in vertical.share(point.y).map { (x: x, y: $0) } }
      }
      if !places.isEmpty, !isOverWords {
        shapes.append(frame.line(places, color: color, style: style))
      }
      if !plot.goesOverSteps || places.count == 1 {
        shapes += places.map { frame.dot($0.x, $0.y, color: color) }
      }
      for point in line.points where point.deviation > 0 {
        let ends = [point.y - point.deviation, point.y + point.deviation].compactMap(vertical.share)
        guard let x = horizontal.share(point.x), ends.count == 2 else { continue }
        shapes.append(frame.line(ends.map { (x, $0) }, color: color))
      }
    }
    return SVGPlot.document(frame.panel(shapes), legend: legend.filter { !$0.title.isEmpty })
  }
}

extension File {
  /// The last word of a key's path.
  fileprivate static func lastWord(_ key: String) -> String {
    key.parts(at: ".").last.map(String.init) ?? key
  }
}

/// An axis that its values decide on.
struct StudyAxis {
  private let low: Double
  private let high: Double
  private let isLogarithmic: Bool

  /// Makes an axis that shows all finite values; a logarithmic one those above 0.
  init(_ values: [Double], isLogarithmic: Bool) {
    self.isLogarithmic = isLogarithmic
    let shown = values.filter { $0.isFinite && (!isLogarithmic || $0 > 0) }
      .map { isLogarithmic ? log10($0) : $0 }
    let (least, most) = (shown.min() ?? 0, shown.max() ?? 1)
    // A single value stands in the middle.
    let margin = most > least ? 0 : max(abs(most) / 2, 0.5)
    (low, high) = (least - margin, most + margin)
  }

  /// The place of a value, from 0 to 1; nil where it has none.
  func share(_ value: Double) -> Double? {
    guard value.isFinite, !isLogarithmic || value > 0 else { return nil }
    let value = isLogarithmic ? log10(value) : value
    return min(max((value - low) / (high - low), 0), 1)
  }

  /// Five marks with their values.
  var ticks: [SVGPlot.Tick] {
    (0...4).map { part in
      let share = Double(part) / 4
      let value = low + (high - low) * share
      return (share, Format.significant(isLogarithmic ? pow(10, value) : value, 3))
    }
  }
}
