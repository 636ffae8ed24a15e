import DLCore
import DLTraining
import Testing

/// Tables and lines that keep to a width.
@Suite struct TextLayoutTests {
  /// The widths are those of Python's unicodedata: 2 for east_asian_width W and F, 0 for marks and
  /// formats; a joined emoji is one of 2, as terminals show it.
  @Test(arguments: [
    ("", 0), ("cat", 3), ("naïve", 5), ("nai\u{308}ve", 5), ("数据", 4), ("データ", 6), ("ﾃﾞｰﾀ", 4),
    ("한국어", 6), ("\u{1112}\u{1161}\u{11AB}", 2), ("Ｆｕｌｌ", 8), ("ελληνικά", 8), ("עברית", 5),
    ("ไทย", 3), ("🙂", 2), ("☃", 1), ("①", 1), ("—", 1), ("👨‍👩‍👧", 2), ("\u{1F44D}\u{1F3FD}", 2),
    ("\u{200B}", 0),
  ])
  func charactersHaveTheirWidth(_ text: String, _ width: Int) {
    #expect(Format.width(text) == width)
  }

  @Test func columnsOfWideCharactersAlign() {
    let rows = [["类", "rows"], ["cat", "12"], ["データ", "1,437"], ["nai\u{308}ve", "7"]]
    let lines = Format.table(rows, rightAligned: [1]).split(separator: "\n").map(String.init)
    #expect(lines.map(Format.width) == [13, 13, 13, 13])
  }

  @Test func aCountOfOneIsSingular() {
    #expect(Format.count(1, "row") == "1 row" && Format.count(0, "row") == "0 rows")
    #expect(Format.count(1437, "row") == "1,437 rows")
    #expect(Format.count(2, "micro-batch", "micro-batches") == "2 micro-batches")
  }

  /// Whatever the width, no word is lost, and no number or short word is broken.
  @Test(arguments: 20...90)
  func wrappedTextKeepsItsWords(_ columns: Int) {
    let text =
      "1,437 rows, batch 64, 15 epochs, 0.00125 and 1.25e-07, run folder "
      + "runs/a-long-name_of_a_run/checkpoints/step-00000345.safetensors is 12.5% of 3.14159"
    let lines = Format.wrapped(text, columns, indent: "  ").split(separator: "\n").map(String.init)
    #expect(lines.allSatisfy { $0.count <= columns || !$0.dropFirst(2).contains(" ") })
    let joined = lines.joined().filter { $0 != " " }
    #expect(joined == text.filter { $0 != " " })
    for number in ["1,437", "64,", "0.00125", "1.25e-07,", "12.5%", "3.14159", "345"] {
      #expect(lines.contains { $0.contains(number) }, "\(number) at \(columns)")
    }
  }

  @Test(arguments: 30...110)
  func tablesKeepToTheirWidth(_ columns: Int) {
    let rows = [
      ["tensor", "dtype", "shape", "bytes"],
      ["blocks.layers.0.self_attn.in_proj_weight", "F32", "[384, 128]", "196,608"],
      ["head.weight", "F32", "[65, 128]", "33,280"],
    ]
    for table in [
      Format.table(rows, rightAligned: [3], columns: columns),
      Format.table(rows, rightAligned: [0, 1, 2, 3], columns: max(columns, 52)),
    ] {
      let lines = table.split(separator: "\n")
      #expect(lines.allSatisfy { $0.count <= max(columns, 52) }, "\(table)")
      for number in ["196,608", "33,280", "384", "128"] {
        #expect(lines.contains { $0.contains(number) }, "\(number)\n\(table)")
      }
    }
    #expect(Format.table(rows, columns: 200) == Format.table(rows))
  }
}
