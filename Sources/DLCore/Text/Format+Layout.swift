extension Format {
  /// The columns that a terminal shows a text in: 2 for a character of East Asian writing or an emoji,
  /// 0 for marks over others.
  package static func width(_ text: String) -> Int {
    text.reduce(0) { $0 + ($1.isASCII ? 1 : width($1)) }
  }

  private static func width(_ character: Character) -> Int {
    let scalars = character.unicodeScalars
    // Variation selector 16 asks for the picture, and a joiner makes one of several.
    if scalars.contains(where: { [0xFE0F, 0x200D].contains($0.value) }) { return 2 }
    let sum = scalars.reduce(0) { sum, scalar in
      switch scalar.properties.generalCategory {
      case .nonspacingMark, .enclosingMark, .format, .control: sum
      // The vowels and endings of a Korean syllable stand in its square.
      default: sum + ((0x1160...0x11FF).contains(scalar.value) ? 0 : isWide(scalar) ? 2 : 1)
      }
    }
    return scalars.contains { $0.properties.isEmojiModifier } ? min(sum, 2) : sum
  }

  /// Unicode Standard Annex 11: East Asian width W or F.
  private static func isWide(_ scalar: Unicode.Scalar) -> Bool {
    let wide: [ClosedRange<UInt32>] = [
      0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97C,
      0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF01...0xFF60,
      0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F265, 0x20000...0x3FFFD,
    ]
    return wide.contains { $0.contains(scalar.value) } || scalar.properties.isEmojiPresentation
  }

  /// The text with blanks before it, up to a width.
  package static func right(_ text: String, _ columns: Int) -> String {
    String(repeating: " ", count: max(0, columns - width(text))) + text
  }

  /// The text with blanks after it, up to a width.
  package static func left(_ text: String, _ columns: Int) -> String {
    text + String(repeating: " ", count: max(0, columns - width(text)))
  }

  /// The text on lines of at most `columns`, broken at blanks; where a word is longer, behind one of
  /// its points, slashes or underscores, but never within a number.
  ///
  /// - Parameters:
  ///   - columns: nil for one line.
  ///   - indent: what every line but the first begins with.
  package static func wrapped(_ text: String, _ columns: Int?, indent: String = "") -> String {
    guard let columns else { return text }
    return text.split(separator: "\n", omittingEmptySubsequences: false)
      .flatMap { lines(String($0), columns, indent: indent) }.joined(separator: "\n")
  }

  private static func lines(_ text: String, _ columns: Int, indent: String = "") -> [String] {
    guard width(text) > columns else { return [text] }
    var lines: [String] = []
    var line = ""
    func isEmpty() -> Bool { line.allSatisfy { $0 == " " } }
    for (index, word) in text.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
      let joined = index == 0 ? String(word) : line + " " + word
      if width(joined) <= columns {
        line = joined
        continue
      }
      if !isEmpty() {
        lines.append(line)
        line = indent
      }
      for piece in width(indent + word) > columns ? pieces(word) : [word] {
        if width(line + piece) > columns, !isEmpty() {
          lines.append(line)
          line = indent
        }
        line += piece
      }
    }
    if !isEmpty() { lines.append(line) }
    return lines
  }

  /// A long word in pieces that may stand on lines of their own.
  private static func pieces(_ word: Substring) -> [Substring] {
    var pieces: [Substring] = []
    var rest = word
    var from = rest.startIndex
    while let place = rest[from...].firstIndex(where: { "./_,=:".contains($0) }) {
      let next = rest.index(after: place)
      let isInNumber =
        place > rest.startIndex && rest[rest.index(before: place)].isNumber
        && next < rest.endIndex && rest[next].isNumber
      if !isInNumber {
        pieces.append(rest[..<next])
        rest = rest[next...]
      }
      from = next
    }
    return rest.isEmpty ? pieces : pieces + [rest]
  }

  /// Rows in columns two blanks apart, each as wide as its widest cell; numbers to the right.
  ///
  /// - Parameters:
  ///   - rightAligned: columns of numbers, which are never broken.
  ///   - columns: the width to keep to; nil for any. What does not fit is wrapped within the widest
  ///     column of text; a table of numbers goes on below, with its first column again.
  package static func table(
    _ rows: [[String]], rightAligned: Set<Int> = [], columns: Int? = nil
  ) -> String {
    let count = rows.map(\.count).max() ?? 0
    var widths = (0..<count).map { column in
      rows.map { column < $0.count ? width($0[column]) : 0 }.max() ?? 0
    }
    guard let columns else { return text(rows, widths, rightAligned) }
    // A column of text gives way while it is wider than what the words in it need.
    while widths.reduce(-2, { $0 + $1 + 2 }) > columns,
      let widest = widths.indices.filter({ !rightAligned.contains($0) && widths[$0] > 12 })
        .max(by: { widths[$0] < widths[$1] })
    {
      let excess = widths.reduce(-2) { $0 + $1 + 2 } - columns
      let next =
        widths.indices.filter { $0 != widest && !rightAligned.contains($0) }
        .map { widths[$0] }.max() ?? 0
      widths[widest] = max(12, widths[widest] - excess, min(next, widths[widest] - 1))
    }
    guard widths.reduce(-2, { $0 + $1 + 2 }) > columns, count > 2 else {
      return text(rows, widths, rightAligned)
    }
    // Parts side by side no more: the first column names the rows of each.
    var parts: [[Int]] = [[0]]
    for column in 1..<count {
      let taken = (parts[parts.count - 1] + [column]).reduce(-2) { $0 + widths[$1] + 2 }
      if taken > columns, parts[parts.count - 1].count > 1 { parts.append([0]) }
      parts[parts.count - 1].append(column)
    }
    return parts.map { part in
      text(
        rows.map { row in part.map { $0 < row.count ? row[$0] : "" } }, part.map { widths[$0] },
        Set(part.indices.filter { rightAligned.contains(part[$0]) }))
    }.joined(separator: "\n\n")
  }

  private static func text(_ rows: [[String]], _ widths: [Int], _ rightAligned: Set<Int>) -> String
  {
    rows.flatMap { row -> [String] in
      let cells = row.enumerated().map { lines($1, max(widths[$0], 1)) }
      return (0..<(cells.map(\.count).max() ?? 0)).map { line in
        var text = cells.enumerated().map { column, lines in
          let cell = line < lines.count ? lines[line] : ""
          return rightAligned.contains(column)
            ? right(cell, widths[column]) : left(cell, widths[column])
        }.joined(separator: "  ")
        while text.last == " " { text.removeLast() }
        return text
      }
    }.joined(separator: "\n")
  }
}
