import DLCore

/// The attention of a written text to its source, as a picture: a row for each piece of it, a
/// column for each of the source, the darker the more.
package struct AttentionMap: Sendable {
  private let columns: [String]
  private let rows: [String]
  private let weights: [[Double]]

  private static let (cell, left, upper) = (26.0, 130.0, 130.0)

  /// Makes the picture of a table whose rows are as long as `columns`.
  package init(columns: [String], rows: [String], weights: [[Double]]) {
    self.columns = columns
    self.rows = rows
    self.weights = weights
  }

  /// Writes the picture.
  ///
  /// - Throws: `FormatError` where the file cannot be written.
  package func writeSVG(to path: String) throws {
    try File.replace(path) { try $0.write(svg()) }
  }

  /// The picture as SVG.
  package func svg() -> String {
    let (cell, left, upper) = (Self.cell, Self.left, Self.upper)
    let (width, height) = (
      left + cell * Double(columns.count) + 20, upper + cell * Double(rows.count) + 20
    )
    var shapes: [String] = []
    for (column, text) in columns.enumerated() {
      let x = Format.fixed(left + (Double(column) + 0.6) * cell, 1)
      shapes.append(
        "<text x=\"\(x)\" y=\"\(upper - 6)\" transform=\"rotate(-60 \(x) \(upper - 6))\">"
          + "\(SVGPlot.escaped(text))</text>")
    }
    // Weights without a softmax may be far from 1.
    let most = max(weights.flatMap(\.self).max() ?? 0, .leastNormalMagnitude)
    for (row, line) in weights.enumerated() {
      let y = upper + Double(row) * cell
      shapes.append(
        "<text x=\"\(left - 8)\" y=\"\(Format.fixed(y + 0.65 * cell, 1))\" text-anchor=\"end\">"
          + "\(SVGPlot.escaped(rows[row]))</text>")
      for (column, weight) in line.enumerated() {
        let shade = 255 - Int((255 * max(weight, 0) / most).rounded())
        shapes.append(
          "<rect x=\"\(Format.fixed(left + Double(column) * cell, 1))\" y=\"\(Format.fixed(y, 1))\" "
            + "width=\"\(cell)\" height=\"\(cell)\" fill=\"rgb(\(shade),\(shade),\(shade))\">"
            + "<title>\(Format.significant(weight, 3))</title></rect>")
      }
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" \
      height="\(height)" font-family="sans-serif" font-size="13" fill="#333">
      <rect width="\(width)" height="\(height)" fill="#fff"/>
      \(shapes.joined(separator: "\n"))
      </svg>

      """
  }
}
