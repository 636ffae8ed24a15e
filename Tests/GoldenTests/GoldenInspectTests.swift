import DLReports
import DLTensor
import DLTestSupport
import DLTraining
import Testing

/// The table of layers against what PyTorch counts: parameters, products, and the pixels that a
/// gradient reaches (scripts/golden/make_inspect.py).
@Suite struct GoldenInspectTests {
  @Test(arguments: [DType.float64, .float32])
  func countsArePyTorchs(dtype: DType) throws {
    let cases = try Golden.cases("inspect")
    #expect(cases.count >= 8)
    for golden in cases {
      let model = try #require(golden.options["model"]?.string)
      let shape = try #require(golden.options["shape"]?.string)
      let report = try ModelReport(
        Configuration.load(
          yaml: """
            data: {synthetic: {shape: \(shape), classes: 10, rows: 16}}
            model: \(model)
            batch_size: 8
            precision: \(dtype == .float64 ? "float64" : "float32")
            """))
      let table = Table(try report.layers())
      let names = try golden.options.get("names").strings()
      let rows = try golden.values("f64/out/rows").map { Int($0) }
      #expect(rows.count == 4 * names.count)
      for (index, name) in names.enumerated() {
        let want = Array(rows[4 * index..<4 * index + 4])
        // What PyTorch has as a layer may be an op without a row of its own.
        guard let row = table.rows[name] else {
          #expect(want[0] == 0 && want[1] == 0, "\(golden): \(name)")
          continue
        }
        #expect(row.parameters == want[0], "\(golden): parameters of \(name)")
        #expect(row.multiplyAdds == want[1], "\(golden): products of \(name)")
        guard want[2] > 0 else { continue }
        let field = want[2] == want[3] ? "\(want[2])" : "\(want[2])x\(want[3])"
        #expect(row.field == field, "\(golden): field of \(name)")
      }
      #expect(table.rows["total"] != nil, "\(golden)")
    }
  }
}

/// The rows of the report's text by the layer's path.
private struct Table {
  struct Row {
    let parameters, multiplyAdds: Int
    let field: String
  }

  private(set) var rows: [String: Row] = [:]

  init(_ text: String) {
    let lines = text.split(separator: "\n")
    guard let header = lines.first else { return }
    /// Where a column ends whose cells stand at its right.
    func end(_ title: String) -> Int {
      let words = header.split(separator: " ")
      guard let word = words.first(where: { $0 == title }) else { return 0 }
      return header.distance(from: header.startIndex, to: word.endIndex)
    }
    let ends = ["parameters", "multiply-adds", "field"].map(end)
    // The parts of a layer with branches stand below it, two blanks farther to the right.
    var outer: [String] = []
    for line in lines.dropFirst() {
      let words = line.split(separator: " ")
      var name =
        line.hasPrefix(" ") && words.first == "total" ? "total" : words.first.map(String.init)
      let depth = line.prefix { $0 == " " }.count / 2
      if let own = name, depth <= outer.count {
        name = depth > 0 ? "\(outer[depth - 1]).\(own)" : own
        outer = outer.prefix(depth) + [name ?? own]
      }
      func cell(_ end: Int) -> Substring? {
        guard end > 0, line.count >= end, let last = line.prefix(end).last,
          last.isLetter || last.isNumber
        else { return nil }
        return line.prefix(end).split(separator: " ").last
      }
      func number(_ end: Int) -> Int { cell(end).flatMap { Int($0.filter(\.isNumber)) } ?? 0 }
      rows[name ?? ""] = Row(
        parameters: number(ends[0]), multiplyAdds: number(ends[1]),
        field: cell(ends[2]).map(String.init) ?? "")
    }
  }
}
