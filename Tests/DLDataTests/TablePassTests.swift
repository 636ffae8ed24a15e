import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// Tables that are gone through in passes, and rows in parts.
@Suite struct TablePassTests {
  let folder = TemporaryFolder()

  private func pack(_ text: String, _ configure: (inout CSVPacker) -> Void) throws -> [String] {
    var packer = CSVPacker()
    packer.split = .whole
    configure(&packer)
    let path = try folder.write(text, to: "table.csv")
    return try packer.pack(path, output: "\(folder.path)/out").map(\.path)
  }

  private func floats(_ path: String, _ name: String = "x") throws -> [Float] {
    values(try SafetensorsFile(path: path).bytes(name), as: Float.self)
  }

  /// A table of several pieces, with quotes and line ends of Windows across their borders.
  @Test func piecesMakeTheRowsOfTheWhole() throws {
    let long = String(repeating: "x\r\ny, ", count: 700)
    let rows = (0..<300).map {
      "\($0),\"\(long)\(String(repeating: "z", count: $0))\",\($0 % 2)\r\n"
    }
    let text = "a,b,c\r\n" + rows.joined()
    #expect(text.utf8.count > 1 << 20)
    let path = try pack(text) { $0.dropped = ["b"] }[0]
    #expect(try floats(path) == (0..<300).map { Float($0) })
    var reader = try CSVReader(path: "\(folder.path)/table.csv")
    _ = try reader.next()
    for row in 0..<300 {
      let cells = try reader.next()
      #expect(
        cells?[1] == long.replacing("\r\n", with: "\n") + String(repeating: "z", count: row))
    }
  }

  /// Days as Python's `datetime.date.toordinal() - 719163` and `timestamp() / 86400` give them.
  @Test func datesAreDays() throws {
    let dates = [
      ("1970-01-01", 0), ("2024-02-29", 19782), ("1969-12-31", -1), ("2000/03/01", 11017),
      ("2024-02-29T18:30:00Z", 19782.770833333332), ("2024-03-01 00:30:00+02:00", 19782.9375),
    ]
    let text = "d,l\n" + dates.map { "\($0.0),1\n" }.joined()
    let path = try pack(text) { $0.dates = ["d"] }[0]
    #expect(try floats(path) == dates.map { Float($0.1) })
    for wrong in ["2023-02-29", "2024-13-01", "2024-02-30", "2024-02-29T24:00", "29.2.2024"] {
      #expect(
        refusal { _ = try pack("d,l\n\(wrong),1\n") { $0.dates = ["d"] } }.contains("no date"))
    }
  }

  /// The medians are those of `numpy.nanmedian`.
  @Test func mediansOfWhatIsThere() throws {
    let text = "a,b,l\n-3,1,0\n,2,1\n1e10,,0\n-0.5,7,1\n2,8,0\n"
    let path = try pack(text) { $0.missing = .median }[0]
    #expect(try floats(path) == [-3, 1, 0.75, 2, 1e10, 4.5, -0.5, 7, 2, 8])
    let like = try pack("a,b\n?,?\n") { $0.like = path }[0]
    #expect(try floats(like) == [0.75, 4.5])
  }

  @Test func severalLabels() throws {
    let text = "a,p,q\n1,yes,0\n2,no,1\n"
    let flags = try pack(text) { $0.labels = ["q", "p"] }[0]
    #expect(try floats(flags, "y") == [0, 1, 1, 0])
    #expect(try TensorFileDataset(path: flags).classNames?.names == ["q", "p"])
    #expect(
      refusal { _ = try pack(text) { ($0.labels, $0.isRegression) = (["p", "q"], true) } }
        .contains("column \"p\": has \"yes\", no number"))
    let values = try pack("a,p,q\n1,2.5,0\n") {
      ($0.labels, $0.isRegression) = (["p", "q"], true)
    }[0]
    #expect(try floats(values, "y") == [2.5, 0])
    let index = try pack("a,l\nu,1\nt,2\n,1\n") { ($0.indexed, $0.missing) = (["a"], .mean) }[0]
    #expect(try floats(index) == [1, 0, -1])
  }

  /// Each part has its share of each class, give or take one, and every row is in one part.
  @Test func strataAndFolds() throws {
    let text = "a,l\n" + (0..<97).map { "\($0),\($0 % 10 == 0 ? 2 : $0 % 2)\n" }.joined()
    func parts(_ plan: SplitPlan) throws -> [(rows: [Float], labels: [Int32])] {
      try pack(text) { $0.split = plan }.map {
        (try floats($0), values(try SafetensorsFile(path: $0).bytes("y"), as: Int32.self))
      }
    }
    let shares = [0.8, 0.1, 0.1]
    let plan = SplitPlan(shares: shares, isStratified: true, seed: 5)
    let three = try parts(plan)
    #expect(three.flatMap(\.rows).sorted() == (0..<97).map { Float($0) })
    for label in [Int32(0), 1, 2] {
      let whole = Double(three.flatMap(\.labels).count { $0 == label })
      for (part, share) in zipped(three, shares) {
        #expect(abs(Double(part.labels.count { $0 == label }) - whole * share) <= 1)
      }
    }
    #expect(try parts(plan).map(\.rows) == three.map(\.rows))
    let folds = try parts(SplitPlan(folds: 4, isStratified: true))
    #expect(folds.count == 8)
    let held = stride(from: 1, to: 8, by: 2).flatMap { folds[$0].rows }
    #expect(held.sorted() == (0..<97).map { Float($0) })
    for fold in 0..<4 {
      #expect((folds[2 * fold].rows + folds[2 * fold + 1].rows).count == 97)
      #expect((2...3).contains(folds[2 * fold + 1].labels.count { $0 == 2 }))
    }
    #expect(refusal { _ = try parts(SplitPlan(shares: [0.5, 0.2])) }.contains("add up to 1"))
  }
}
