import DLCore
import DLData
import DLFormats
import DLTestSupport
import Testing

/// Data sets of several files, draws by weights, and shards of images.
@Suite struct DataFilesTests {
  let folder = TemporaryFolder()

  @Test func patternsAreThoseOfAShell() throws {
    for name in ["a-1", "a-10", "a-2", "b", ".a-3"] { _ = try folder.write("", to: name) }
    let path = folder.path
    func list(_ name: String) throws -> [String] {
      try DataFiles.list("\(path)/\(name)").map { String($0.dropFirst(path.count + 1)) }
    }
    // Python's sorted(glob.glob("a-*")), and bash's echo a-{1,2} b{08..11} {a,b}-{1,2}.
    #expect(try list("a-*") == ["a-1", "a-10", "a-2"])
    #expect(try list("a-?") == ["a-1", "a-2"])
    #expect(try list("a-{2,1}") == ["a-2", "a-1"])
    #expect(try list("b{08..11}") == ["b08", "b09", "b10", "b11"])
    #expect(try list("{a,b}-{1,2}") == ["a-1", "a-2", "b-1", "b-2"])
    #expect(try list("plain") == ["plain"])
    #expect(try DataFiles.list("{\(path)/a-1,\(path)/b}") == ["\(path)/a-1", "\(path)/b"])
    // A name that is there is no pattern.
    _ = try folder.write("", to: "x[1].safetensors")
    #expect(try list("x[1].safetensors") == ["x[1].safetensors"])
    for (name, words) in [
      ("c*", "matches no file"), ("{1..20000}", "no ascending range"),
      ("{5..2}", "no ascending range"), ("{0..999}{0..999}", "too many files"),
    ] { #expect(refusal { _ = try list(name) }.contains(words)) }
  }

  private func write(_ name: String, rows: Range<Int>, width: Int = 2, lengths: Bool = false) throws
    -> String
  {
    let path = "\(folder.path)/\(name).safetensors"
    let x = rows.flatMap { row in (0..<width).map { Float(10 * row + $0) } }
    var tensors = [
      tensor("x", .float32, [rows.count, width], x),
      tensor("y", .int32, [rows.count], rows.map { Int32($0 % 3) }),
    ]
    if lengths {
      tensors.append(tensor("lengths", .int32, [rows.count], rows.map { _ in Int32(1) }))
    }
    try SafetensorsWriter.write(tensors, metadata: ["classes": "3"], to: path)
    return path
  }

  @Test func filesTogetherAreTheWhole() throws {
    let whole = try TensorFileDataset(path: write("whole", rows: 0..<9))
    let parts = try [0..<2, 2..<3, 3..<9].enumerated().map {
      try TensorFileDataset(path: write("part\($0)", rows: $1))
    }
    let set = try ConcatenatedDataset(parts)
    #expect(set.count == 9 && set.classCount == 3)
    for rows in [Array(0..<9), [8, 0, 2, 3, 1, 1, 4], [5], []] {
      #expect(try read(set, rows) == read(whole, rows))
    }
    #expect(try set.rowClasses() == whole.rowClasses())
    let wide = try TensorFileDataset(path: write("wide", rows: 0..<2, width: 3))
    #expect(
      refusal { _ = try ConcatenatedDataset(parts + [wide]) }.contains("wide.safetensors: has rows")
    )
    let padded = try TensorFileDataset(path: write("padded", rows: 0..<2, lengths: true))
    #expect(refusal { _ = try ConcatenatedDataset(parts + [padded]) }.contains("have lengths"))
  }

  /// Classes of 900, 90 and 10 rows: how often each is drawn lies within five deviations of what its
  /// weight says, and rows of a class are drawn alike.
  @Test(arguments: [nil, [1, 5, 0], [0.5, 0.5, 0.5]] as [[Double]?])
  func drawsFollowTheWeights(_ weights: [Double]?) throws {
    let counts = [900, 90, 10]
    let classes = counts.enumerated().flatMap { [Int32](repeating: Int32($0), count: $1) }
    let rows = try WeightedRows(classes: classes, weights: weights)
    let masses = zipped(counts, weights ?? counts.map { 1 / Double($0) }).map { Double($0) * $1 }
    var drawn = [Int](repeating: 0, count: classes.count)
    for epoch in 0..<20 {
      let draws = rows.draws(seed: 7, epoch: epoch)
      for place in 0..<rows.count { drawn[draws.row(at: place)] += 1 }
    }
    let all = Double(20 * rows.count)
    var first = 0
    for (count, mass) in zipped(counts, masses) {
      let share = mass / masses.reduce(0, +)
      let found = Double(drawn[first..<first + count].reduce(0, +))
      #expect(abs(found - all * share) <= 5 * (all * share * (1 - share)).squareRoot())
      let each = all * share / Double(count)
      let most = Double(drawn[first..<first + count].max() ?? 0)
      #expect(most <= each + 7 * each.squareRoot() + 7 && (share == 0) == (most == 0))
      first += count
    }
    #expect(
      rows.draws(seed: 7, epoch: 1).row(at: 3) == rows.draws(seed: 7, epoch: 1).row(at: 3))
    #expect(
      (0..<50).contains { place in
        rows.draws(seed: 7, epoch: 1).row(at: place) != rows.draws(seed: 7, epoch: 2).row(at: place)
      })
  }

  @Test func weightsMustFit() throws {
    for (weights, words) in [
      ([1, 2] as [Double], "2 weights for classes up to 2"), ([0, 0, 0], "no row has a weight"),
    ] {
      #expect(
        refusal { _ = try WeightedRows(classes: [0, 1, 2], weights: weights) }.contains(words))
    }
    #expect(refusal { _ = try WeightedRows(classes: [0, -1], weights: nil) }.contains("below 0"))
  }

  /// A tar archive (ustar) of files.
  private func tar(_ name: String, _ files: [(path: String, bytes: [UInt8])]) throws -> String {
    var archive: [UInt8] = []
    for (path, bytes) in files {
      var header = [UInt8](repeating: 0, count: 512)
      func put(_ text: String, at place: Int) {
        for (index, byte) in text.utf8.enumerated() { header[place + index] = byte }
      }
      func octal(_ value: Int, _ digits: Int) -> String {
        let text = String(value, radix: 8)
        return String(repeating: "0", count: digits - text.count) + text
      }
      put(path, at: 0)
      put("0000644", at: 100)
      put(octal(bytes.count, 11), at: 124)
      put("        ", at: 148)
      put("0", at: 156)
      put("ustar", at: 257)
      put("00", at: 263)
      put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\0", at: 148)
      archive += header + bytes
      archive += [UInt8](repeating: 0, count: (512 - bytes.count % 512) % 512)
    }
    return try folder.write(archive + [UInt8](repeating: 0, count: 1024), to: name)
  }

  @Test func shardsOfImages() throws {
    func image(_ name: String) throws -> [UInt8] {
      try File.contents(of: golden("images/\(name)", of: "DLFormatsTests"))
    }
    let (color, gray) = (try image("color.png"), try image("420.jpg"))
    let pixels = try SafetensorsFile(
      path: golden("images/pixels.safetensors", of: "DLFormatsTests"))
    _ = try tar(
      "s-000.tar",
      [
        ("a/0.png", color), ("a/0.cls", Array("2\n".utf8)), ("a/0.json", Array("{}".utf8)),
        ("a/1.cls", Array("0".utf8)), ("a/1.jpg", gray),
      ])
    _ = try tar("s-001.tar", [("b.jpg", gray), ("b.cls", Array("1".utf8))])
    var packer = TarPacker()
    packer.split = .whole
    let output = folder.path + "/out"
    let files = try packer.pack(["\(folder.path)/s-{000..001}.tar"], output: output)
    let file = try SafetensorsFile(path: files[0].path)
    #expect(values(try file.bytes("y"), as: Int32.self) == [2, 0, 1])
    #expect(file.metadata["classes"] == "3" && file.metadata["class_names"] == nil)
    let (one, two) = try (pixels.bytes("color.png"), pixels.bytes("420.jpg"))
    #expect(try file.bytes("x") == one + two + two)
    // A part asks for some of the images only, each shard from its beginning.
    packer.split = SplitPlan(folds: 3)
    let folds = try packer.pack(["\(folder.path)/s-*.tar"], output: output)
    let held = try folds.filter { $0.path.hasSuffix("/validation.safetensors") }
      .flatMap { values(try SafetensorsFile(path: $0.path).bytes("y"), as: Int32.self) }
    #expect(held.sorted() == [0, 1, 2])
    let names = try tar(
      "names.tar",
      [
        ("0.png", color), ("0.cls", Array("dog".utf8)), ("1.png", color),
        ("1.cls", Array("cat".utf8)),
      ])
    packer.split = .whole
    let named = try SafetensorsFile(path: packer.pack([names], output: output)[0].path)
    #expect(named.metadata["class_names"] == #"["cat","dog"]"#)
    #expect(values(try named.bytes("y"), as: Int32.self) == [1, 0])
    for (members, words) in [
      ([("0.png", color)], "has no 0.cls beside it"),
      ([("0.png", color), ("0.cls", [])], "names no class"),
      ([("0.png", color), ("0.jpg", gray), ("0.cls", [49])], "is a second image of 0"),
      ([("0.txt", [49])], "holds no .jpg"),
    ] as [([(String, [UInt8])], String)] {
      let path = try tar("bad.tar", members.map { (path: $0.0, bytes: $0.1) })
      let message = refusal { _ = try packer.pack([path], output: output) }
      #expect(message.contains(words) && !message.contains("\n"), "\(message)")
    }
  }
}
