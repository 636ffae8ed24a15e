import DLCore
import Glibc

/// Numbers over a plane as a picture: a color for each cell, and contour lines.
package struct HeatMap: Sendable {
  let title: String
  /// The places of columns and rows, ascending.
  let places: [Double]
  /// A list for each row, the lowest first.
  let values: [[Double]]

  private static let (left, upper, size) = (70.0, 50.0, 420.0)
  private static let levels = 12

  /// Makes a picture of numbers, of which the smallest lie far apart and the largest far away: colors
  /// and contours go by the logarithm of the height above the smallest.
  package init(title: String, places: [Double], values: [[Double]]) {
    self.title = title
    self.places = places
    self.values = values
  }

  /// Writes the picture.
  ///
  /// - Throws: `FormatError` where the file cannot be written.
  package func writeSVG(to path: String) throws {
    try File.replace(path) { try $0.write(svg()) }
  }

  /// The picture as SVG.
  package func svg() -> String {
    let scale = HeightScale(values.flatMap(\.self))
    var shapes = [
      "<text x=\"70\" y=\"28\" font-size=\"15\">\(SVGPlot.escaped(title))</text>"
    ]
    let cell = HeatMap.size / Double(max(places.count, 1))
    for (row, line) in values.enumerated() {
      for (column, value) in line.enumerated() {
        let (x, y) = (
          HeatMap.left + Double(column) * cell,
          HeatMap.upper + HeatMap.size - Double(row + 1) * cell
        )
        shapes.append(
          "<rect x=\"\(Format.fixed(x, 2))\" y=\"\(Format.fixed(y, 2))\" "
            + "width=\"\(Format.fixed(cell + 0.3, 2))\" height=\"\(Format.fixed(cell + 0.3, 2))\" "
            + "fill=\"\(HeatMap.color(scale.share(value)))\"/>")
      }
    }
    shapes += contours(scale, cell) + axes + legend(scale)
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 620 520" width="620" height="520" \
      font-family="sans-serif" font-size="13" fill="#333">
      <rect width="620" height="520" fill="#fff"/>
      \(shapes.joined(separator: "\n"))
      </svg>

      """
  }

  private var axes: [String] {
    guard let first = places.first, let last = places.last else { return [] }
    // A number stands at the middle of its cell.
    let count = Double(places.count)
    func middle(_ share: Double) -> Double { (share * (count - 1) + 0.5) / count }
    return [(0, first), (0.5, (first + last) / 2), (1, last)].flatMap { share, place in
      let text = Format.significant(place, 3)
      let x = HeatMap.left + HeatMap.size * middle(share)
      let y = HeatMap.upper + HeatMap.size * (1 - middle(share))
      return [
        "<text x=\"\(Format.fixed(x, 1))\" y=\"490\" text-anchor=\"middle\">\(text)</text>",
        "<text x=\"62\" y=\"\(Format.fixed(y + 4, 1))\" text-anchor=\"end\">\(text)</text>",
      ]
    }
  }

  private func legend(_ scale: HeightScale) -> [String] {
    (0...HeatMap.levels).map { level in
      let share = Double(level) / Double(HeatMap.levels)
      let y = HeatMap.upper + HeatMap.size - share * (HeatMap.size - 30) - 30
      return
        "<rect x=\"510\" y=\"\(Format.fixed(y, 1))\" width=\"18\" height=\"31\" "
        + "fill=\"\(HeatMap.color(share))\"/><text x=\"534\" y=\"\(Format.fixed(y + 20, 1))\">"
        + "\(Format.significant(scale.value(share), 3))</text>"
    }
  }

  /// The lines on which the numbers have some heights, by marching squares over cells' middles.
  private func contours(_ scale: HeightScale, _ cell: Double) -> [String] {
    guard places.count > 1 else { return [] }
    return (1..<HeatMap.levels).compactMap { level in
      let height = (Double(level) + 0.001) / Double(HeatMap.levels)
      var path = ""
      for row in 0..<places.count - 1 {
        for column in 0..<places.count - 1 {
          let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map { x, y in
            (x: column + x, y: row + y, above: scale.share(values[row + y][column + x]) - height)
          }
          var crossings: [(x: Double, y: Double)] = []
          for index in 0..<4 {
            let (a, b) = (corners[index], corners[(index + 1) % 4])
            guard (a.above > 0) != (b.above > 0) else { continue }
            let t = a.above / (a.above - b.above)
            crossings.append(
              (Double(a.x) + t * Double(b.x - a.x), Double(a.y) + t * Double(b.y - a.y)))
          }
          for pair in stride(from: 0, to: crossings.count - 1, by: 2) {
            path += "M" + spot(crossings[pair], cell) + "L" + spot(crossings[pair + 1], cell)
          }
        }
      }
      return path.isEmpty
        ? nil : "<path d=\"\(path)\" stroke=\"#fff\" stroke-width=\"0.8\" fill=\"none\"/>"
    }
  }

  private func spot(_ point: (x: Double, y: Double), _ cell: Double) -> String {
    let x = HeatMap.left + (point.x + 0.5) * cell
    let y = HeatMap.upper + HeatMap.size - (point.y + 0.5) * cell
    return "\(Format.fixed(x, 2)) \(Format.fixed(y, 2))"
  }

  /// From dark blue over green to yellow.
  private static func color(_ share: Double) -> String {
    let stops: [(Double, Double, Double)] = [
      (43, 24, 84), (48, 86, 140), (38, 140, 133), (110, 196, 88), (250, 228, 60),
    ]
    let place = min(max(share, 0), 1) * Double(stops.count - 1)
    let index = min(Int(place), stops.count - 2)
    let t = place - Double(index)
    func mix(_ part: KeyPath<(Double, Double, Double), Double>) -> Int {
      let value = stops[index][keyPath: part] * (1 - t) + stops[index + 1][keyPath: part] * t
      return Int(value.rounded())
    }
    return "rgb(\(mix(\.0)),\(mix(\.1)),\(mix(\.2)))"
  }
}

/// Heights as shares of a logarithmic scale above the smallest.
private struct HeightScale {
  private let least: Double
  private let unit: Double
  private let top: Double

  init(_ values: [Double]) {
    let finite = values.filter(\.isFinite)
    least = finite.min() ?? 0
    let range = max((finite.max() ?? 1) - least, 1e-300)
    unit = range / 100
    top = log1p(range / unit)
  }

  /// The share of a value; 1 for one that is not finite.
  func share(_ value: Double) -> Double {
    let share = log1p(max(value - least, 0) / unit) / top
    return share.isFinite ? share : 1
  }

  /// The value of a share.
  func value(_ share: Double) -> Double { least + unit * expm1(share * top) }
}
