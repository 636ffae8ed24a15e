import DLReports
import DLTestSupport
import Foundation
import FoundationXML
import Testing

/// Pictures of numbers, whatever the numbers are.
@Suite struct PlotTests {
  /// The shapes of a kind in a picture, which has to be XML.
  private func shapes(_ name: String, in svg: String) throws -> [[String: String]] {
    final class Reader: NSObject, XMLParserDelegate {
      var found: [[String: String]] = []
      let name: String
      init(_ name: String) { self.name = name }
      func parser(
        _ parser: XMLParser, didStartElement element: String, namespaceURI: String?,
        qualifiedName: String?, attributes: [String: String]
      ) {
        if element == name { found.append(attributes) }
      }
    }
    let reader = Reader(name)
    let parser = XMLParser(data: Data(svg.utf8))
    parser.delegate = reader
    #expect(parser.parse(), "\(svg.prefix(200))")
    return reader.found
  }

  @Test func pointsLieWhereTheyBelong() throws {
    let plot = LinePlot(
      title: "a < b & c", xTitle: "x",
      series: [.init("one", [(0, 0), (5, 1), (10, 4)]), .init("two", [(0, 4), (10, .nan)])])
    let circles = try shapes("circle", in: plot.svg())
    let places = circles.compactMap { circle in
      Double(circle["cx"] ?? "").flatMap { x in Double(circle["cy"] ?? "").map { [x, $0] } }
    }
    // The frame reaches from 80 to 700 and from 310 up to 50; what is no number is left out.
    #expect(places == [[80, 310], [390, 245], [700, 50], [80, 50]])
  }

  @Test(arguments: [
    [], [0], [1, 1, 1], [.nan, .infinity], [-1e308, 1e308], [.leastNonzeroMagnitude, 0],
    [1, .nan, 3],
  ])
  func anyNumbersAreDrawn(values: [Double]) throws {
    let line = LinePlot(
      title: "any", xTitle: "x", series: [.init("one", values.map { ($0, $0) })])
    _ = try shapes("circle", in: line.svg())
    let map = HeatMap(
      title: "any", places: values, values: values.map { _ in values })
    let cells = try shapes("rect", in: map.svg()).count
    // The background and the thirteen colors of the legend stand beside the cells.
    #expect(cells == values.count * values.count + 14)
  }
}
