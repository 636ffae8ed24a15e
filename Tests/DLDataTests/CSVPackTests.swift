import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// Tables as data sets.
@Suite struct CSVPackTests {
  let folder = TemporaryFolder()

  private func pack(
    _ text: String, to output: String = "out", _ configure: (inout CSVPacker) -> Void = { _ in }
  ) throws -> [String] {
    var packer = CSVPacker()
    packer.split = .whole
    configure(&packer)
    let path = try folder.write(text, to: "table.csv")
    return try packer.pack(path, output: "\(folder.path)/\(output)").map(\.path)
  }

  private func refused(_ text: String, _ configure: (inout CSVPacker) -> Void = { _ in }) -> String
  {
    refusal { _ = try pack(text, configure) }
  }

  private func x(_ path: String) throws -> [Float] {
    values(try SafetensorsFile(path: path).bytes("x"), as: Float.self)
  }

  private func y(_ path: String) throws -> [Int32] {
    values(try SafetensorsFile(path: path).bytes("y"), as: Int32.self)
  }

  private let text = """
    id,age,"home, state",age,kind
    7,1.5,NY,-2,10
    8,2.5," CA ",4,9
    9,3.5,NY,1e1,10

    """

  @Test func columnsBecomeNumbers() throws {
    var notices: [String] = []
    let path = try pack(text) {
      ($0.categorical, $0.dropped) = (["home, state"], ["id"])
      $0.notice = { notices.append($0) }
    }[0]
    // " CA " before NY; classes that are integers go by number.
    #expect(try x(path) == [1.5, 0, 1, -2, 2.5, 1, 0, 4, 3.5, 0, 1, 10])
    #expect(try y(path) == [1, 0, 1])
    let dataset = try TensorFileDataset(path: path)
    #expect(dataset.inputShape == [4] && dataset.labelShape == [] && dataset.classCount == 2)
    #expect(dataset.classNames?.names == ["9", "10"])
    #expect(notices == ["label: kind; 4 numbers a row"])
  }

  /// The second `age` is `age.1`, and a position counts from either end.
  @Test func labelsByNameAndPosition() throws {
    for label in ["age.1", "4", "-2"] {
      let path = try pack(text) {
        ($0.labels, $0.isRegression, $0.dropped) = ([label], true, ["3", "id"])
      }[0]
      let dataset = try TensorFileDataset(path: path)
      #expect(dataset.labelType == .float32 && dataset.labelShape == [1])
      #expect(values(try read(dataset, [0, 1, 2]).y, as: Float.self) == [-2, 4, 10])
      #expect(try x(path) == [1.5, 10, 2.5, 9, 3.5, 10])
    }
    for wrong in ["0", "6", "-6", "none"] {
      #expect(
        refused(text) { $0.labels = [wrong] }.contains("label: no column \"\(wrong)\" among the 5"))
    }
    let plain = try pack("1;2\n3;4\n") { ($0.separator, $0.hasHeader) = (UInt8(ascii: ";"), false) }
    #expect(try x(plain[0]) == [1, 3])
  }

  /// Mean and deviation are those of the training part, and go with the file.
  @Test func standardizedAsTheTrainingPart() throws {
    let rows = (0..<20).map { "\($0 * $0),5,\($0 % 2)" }
    let text = "a,b,c\n" + rows.joined(separator: "\n")
    let paths = try pack(text) { ($0.isStandardized, $0.split) = (true, .training(0.75, seed: 3)) }
    let (train, validation) = (try x(paths[0]), try x(paths[1]))
    #expect(train.count == 30 && validation.count == 10)
    // A column that does not vary is 0.
    #expect((0..<15).allSatisfy { train[2 * $0 + 1] == 0 })
    let column = (0..<15).map { Double(train[2 * $0]) }
    #expect(abs(column.reduce(0, +)) < 1e-5)
    #expect(abs(column.reduce(0) { $0 + $1 * $1 } / 15 - 1) < 1e-6)
    // Both parts together are the squares, by one scale.
    let all = (column + (0..<5).map { Double(validation[2 * $0]) }).sorted()
    let scale = (all[19] - all[0]) / 361
    #expect(deviation(all.map { ($0 - all[0]) / scale }, (0..<20).map { Double($0 * $0) }) < 1e-5)
    // Another table, its columns in another order, and without labels.
    let other = try pack("b,a\n5,0\n6,361\n") { $0.like = paths[0] }
    let single = try x(other[0]).map(Double.init)
    #expect(
      deviation([single[0], single[1], single[2], single[3]], [all[0], 0, all[19], 1]) < 1e-6)
    #expect(try SafetensorsFile(path: other[0])["y"] == nil)
    let again = try pack(text, to: "again") {
      ($0.isStandardized, $0.split) = (true, .training(0.75, seed: 3))
    }
    #expect(try File.contents(of: again[0]) == File.contents(of: paths[0]))
  }

  @Test func missingCells() throws {
    let text = "a,b,c\n1,,x\n,u,y\n5,NA,\"\"\n"
    #expect(refused(text).contains("line 2, column \"b\": is empty, fill it"))
    #expect(refused(text) { $0.dropped = ["b"] }.contains("line 3, column \"a\": is empty"))
    #expect(
      refused(text) { ($0.dropped, $0.missing) = (["b"], .mean) }
        .contains("line 4, column \"c\": is empty, correct the label"))
    let filled = try pack(text.replacing("\"\"", with: "None")) {
      ($0.missing, $0.categorical) = (.mean, ["b"])
    }
    // The mean of 1 and 5; no category where none is told. A class may be called None.
    #expect(try x(filled[0]) == [1, 0, 3, 1, 5, 0] && y(filled[0]) == [1, 2, 0])
    #expect(refused("a,b\n,1\n") { $0.missing = .mean }.contains("\"a\" has no value"))
    let like = try pack("a,b,c\n?,u,x\n") { $0.like = filled[0] }
    #expect(try x(like[0]) == [3, 1] && y(like[0]) == [1])
  }

  @Test func partsAreNumberedAlike() throws {
    let validation = try folder.write("k,l\nb,no\na,maybe\n", to: "other.csv")
    let paths = try pack("k,l\na,yes\nb,no\n") {
      ($0.categorical, $0.validation) = (["k"], validation)
    }
    #expect(try y(paths[0]) == [2, 1] && y(paths[1]) == [1, 0])
    #expect(try x(paths[1]) == [0, 1, 1, 0])
    let strange = try folder.write("k,l\nc,no\n", to: "strange.csv")
    #expect(
      refused("k,l\na,yes\n") { ($0.categorical, $0.validation) = (["k"], strange) }
        .contains("column \"k\": has \"c\", which the rows to train on lack"))
    let less = try folder.write("l\nno\n", to: "less.csv")
    #expect(
      refused("k,l\na,yes\n") { ($0.categorical, $0.validation) = (["k"], less) }
        .contains("less.csv: has no column \"k\""))
  }

  @Test func faultsNameLineAndColumn() throws {
    #expect(refused("").contains("is empty, give a table"))
    #expect(refused("a,b\n").contains("has no rows"))
    #expect(refused("a,b\n1,2\n3\n").contains("line 3 has 1 cell, the first line 2"))
    for word in ["x", "0x1p3", "inf", "1e999", "1_000", "-", "."] {
      #expect(
        refused("a,b\n\n\(word),2\n").contains("line 3, column \"a\": has \"\(word)\", no number"),
        "\(refused("a,b\n\n\(word),2\n"))")
    }
    #expect(refused("a,b\n1e39,2\n").contains("beyond 32 bits"))
    #expect(refused("a,b\n1,2\n") { $0.dropped = ["a"] }.contains("leaves no column"))
    #expect(refused("a,b\n1,2\n") { $0.dropped = ["b"] }.contains("is in drop"))
    #expect(
      refused("a,b\n1,2\n") { ($0.dropped, $0.categorical) = (["a"], ["a"]) }
        .contains("is in drop too"))
    let plain = try folder.write([], to: "plain.csv")
    #expect(refused("a,b\n1,2\n") { $0.like = plain }.contains("plain.csv"))
    #expect(!File.exists(folder.path + "/out"))
  }

  /// What a file says of its table may be damaged.
  @Test(arguments: [
    "{}", "[1]", "{\"label\": \"l\"}", "{\"label\": \"l\", \"columns\": []}",
    "{\"label\": \"l\", \"regression\": 1, \"standardize\": true, \"missing\": true, \"columns\": [{}]}",
    "{\"label\": \"l\", \"regression\": true, \"standardize\": true, \"missing\": true, \"columns\": [{\"name\": \"a\", \"mean\": 1, \"std\": 0}]}",
  ])
  func damagedTablesAreErrors(_ table: String) throws {
    let like = "\(folder.path)/like.safetensors"
    try SafetensorsWriter.write(
      [tensor("x", .float32, [1, 1], [Float(1)])], metadata: ["table": table], to: like)
    #expect(throws: FormatError.self) { try pack("a,l\n1,2\n") { $0.like = like } }
  }

  /// A table of 118 columns: its size, and its first row as it stands there.
  @Test(.needs(.covid))
  func packsCOVID() throws {
    var packer = CSVPacker()
    (packer.isRegression, packer.dropped, packer.split) = (true, ["id"], .whole)
    let path = try packer.pack(
      "\(SharedData.covid.path)/train.csv", output: folder.path + "/covid.safetensors")[0].path
    let file = try SafetensorsFile(path: path)
    #expect(file["x"]?.shape == [2699, 116] && file["y"]?.shape == [2699, 1])
    let first = try x(path).prefix(116)
    let line = try TextFile.lines(of: "\(SharedData.covid.path)/train.csv")[1].split(separator: ",")
    #expect(compared(first, line.dropFirst().dropLast()).allSatisfy { $0 == Float($1) })
    #expect(values(try file.bytes("y"), as: Float.self)[0] == Float(line[117]))
  }
}
