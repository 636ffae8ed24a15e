import DLCore
import DLJobs

/// The frame of a plot as SVG: a title, grid lines and the labels of two axes.
///
/// What is drawn in it gives its places as shares of the axes, from 0 to 1.
struct SVGPlot {
  /// A mark on an axis.
  typealias Tick = (share: Double, label: String)

  let title: String
  /// The title of the horizontal axis.
  let xTitle: String
  let xTicks: [Tick]
  let yTicks: [Tick]

  private static let (width, height) = (730, 370)
  private static let (left, right, upper, lower) = (80.0, 700.0, 50.0, 310.0)

  /// A horizontal place.
  func x(_ share: Double) -> String {
    Format.fixed(SVGPlot.left + (SVGPlot.right - SVGPlot.left) * share, 2)
  }

  /// A vertical place; 0 is the bottom.
  func y(_ share: Double) -> String {
    Format.fixed(SVGPlot.lower - (SVGPlot.lower - SVGPlot.upper) * share, 2)
  }

  /// A line through points.
  func line(_ points: [(x: Double, y: Double)], color: String, style: String = "") -> String {
    polyline(points.map { "\(x($0.x)),\(y($0.y))" }, color: color, style: style)
  }

  /// A line through places that are text already.
  func polyline(_ points: [String], color: String, style: String = "") -> String {
    "<polyline points=\"\(points.joined(separator: " "))\" fill=\"none\" stroke=\"\(color)\" "
      + "stroke-width=\"2\"\(style)/>"
  }

  /// The frame with shapes in it.
  func panel(_ shapes: [String]) -> String {
    var frame = ["<text x=\"80\" y=\"28\" font-size=\"15\">\(SVGPlot.escaped(title))</text>"]
    for tick in yTicks {
      let row = y(tick.share)
      frame += [
        "<path d=\"M\(x(0)) \(row)H\(x(1))\" stroke=\"#ddd\"/>",
        "<text x=\"72\" y=\"\(row)\" text-anchor=\"end\" dominant-baseline=\"middle\">"
          + "\(tick.label)</text>",
      ]
    }
    frame += xTicks.map {
      "<text x=\"\(x($0.share))\" y=\"330\" text-anchor=\"middle\">\($0.label)</text>"
    }
    frame.append("<text x=\"390\" y=\"355\" text-anchor=\"middle\">\(xTitle)</text>")
    return (frame + shapes).joined(separator: "\n")
  }

  /// A picture of panels, one below the other.
  static func document(_ panels: [String]) -> String {
    let total = height * panels.count
    let body = panels.enumerated().map { index, panel in
      index == 0 ? panel : "<g transform=\"translate(0 \(index * height))\">\n\(panel)\n</g>"
    }
    return document(height: total, body)
  }

  private static func document(height: Int, _ body: [String]) -> String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" \
    height="\(height)" font-family="sans-serif" font-size="13" fill="#333">
    <rect width="\(width)" height="\(height)" fill="#fff"/>
    \(body.joined(separator: "\n"))
    </svg>

    """
  }

  /// A picture of one panel with the names of its lines below, two in a row.
  static func document(
    _ panel: String, legend: [(title: String, color: String, style: String)]
  ) -> String {
    let total = height + 20 * ((legend.count + 1) / 2)
    let names = legend.enumerated().map { index, entry in
      let (x, y) = (80 + index % 2 * 320, height + index / 2 * 20)
      return
        "<path d=\"M\(x) \(y)h24\" stroke=\"\(entry.color)\" stroke-width=\"2\"\(entry.style)/>"
        + "<text x=\"\(x + 32)\" y=\"\(y)\" dominant-baseline=\"middle\">"
        + "\(escaped(String(entry.title.prefix(44))))</text>"
    }
    return document(height: total, [panel] + names)
  }

  /// Text as XML takes it.
  static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
  }
}
