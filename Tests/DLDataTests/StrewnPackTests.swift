import DLData
import DLFormats
import DLTestSupport
import Testing

/// Images strewn over larger ones, with boxes or with a class for each pixel.
@Suite struct StrewnPackTests {
  let folder = TemporaryFolder()

  private func pack(
    _ name: String, _ configure: (inout StrewnPacker) -> Void = { _ in }
  ) throws -> SafetensorsFile {
    var packer = StrewnPacker()
    (packer.canvas, packer.rows, packer.seed) = ((30, 40), [25], 5)
    configure(&packer)
    let files = try packer.pack(
      ["embedded:digits-validation"], output: "\(folder.path)/\(name).safetensors")
    return try SafetensorsFile(path: files[0].path)
  }

  /// Each box holds the pixels of its class and no others, up to each of its edges.
  @Test func boxesAreThoseOfThePixels() throws {
    let boxes = try pack("boxes")
    let pixels = try pack("pixels") { $0.labels = .pixels }
    #expect(try boxes.bytes("x") == pixels.bytes("x"))
    #expect(try boxes.info("y").shape == [25, 4, 5] && pixels.info("y").shape == [25, 30, 40])
    let (objects, classes) = (try boxes.doubles("y"), try pixels.bytes("y"))
    var counts: Set<Int> = []
    for row in 0..<25 {
      let image = classes[row * 1200..<(row + 1) * 1200]
      var (inside, count) = (0, 0)
      for slot in 0..<4 {
        let object = objects[(row * 4 + slot) * 5..<(row * 4 + slot) * 5 + 5].map { Int($0) }
        if object[0] < 0 { continue }
        count += 1
        let label = UInt8(object[0] + 1)
        let places = (object[2]..<object[4]).flatMap { y in
          (object[1]..<object[3]).map { (x: $0, y: y) }
        }
        let ink = places.filter { image[row * 1200 + $0.y * 40 + $0.x] == label }
        #expect(ink.map(\.x).min() == object[1] && ink.map(\.x).max() == object[3] - 1)
        #expect(ink.map(\.y).min() == object[2] && ink.map(\.y).max() == object[4] - 1)
        inside += ink.count
      }
      counts.insert(count)
      #expect(inside == image.count { $0 > 0 })
    }
    #expect(counts == [1, 2, 3, 4])
    #expect(boxes.metadata["classes"] == "10" && pixels.metadata["classes"] == "11")
  }

  @Test func rowsDependOnSeedAndNumberAlone() throws {
    let (few, many) = (try pack("few") { $0.rows = [7] }, try pack("many"))
    #expect(try Array(many.bytes("x")[..<(7 * 1200)]) == few.bytes("x"))
    #expect(try pack("other") { ($0.rows, $0.seed) = ([7], 6) }.bytes("x") != few.bytes("x"))
  }

  /// As many as the boxes lack of those asked for.
  @Test func whatFindsNoPlaceIsTold() throws {
    var packer = StrewnPacker()
    (packer.canvas, packer.rows, packer.objects) = ((30, 40), [10], 20...20)
    let file = try packer.pack(
      ["embedded:digits-validation"], output: "\(folder.path)/full.safetensors")[0]
    let objects = try SafetensorsFile(path: file.path).doubles("y")
    let placed = stride(from: 0, to: objects.count, by: 5).count { objects[$0] >= 0 }
    #expect(placed < 200)
    #expect(file.note == "\(200 - placed) of 200 objects found no place and are left out")
    packer.objects = 1...1
    let roomy = try packer.pack(
      ["embedded:digits-validation"], output: "\(folder.path)/roomy.safetensors")[0]
    #expect(roomy.note == nil)
  }

  @Test func settingsOutOfRangeAreNamed() {
    for (configure, expected) in [
      ({ $0.canvas = (12, 40) }, "scale: things of up to 16 x 16 pixels do not fit on 12 x 40"),
      ({ $0.objects = 0...2 }, "objects: 0...2 is out of range"),
      ({ $0.rows = [3, 4] }, "rows: 3,4 for 1 file"),
      ({ $0.scale = 0...1 }, "scale: 0.0...1.0 is out of range"),
    ] as [((inout StrewnPacker) -> Void, String)] {
      let found = refusal { _ = try pack("none", configure) }
      #expect(found.contains(expected), "\(found)")
    }
    let found = refusal {
      _ = try StrewnPacker().pack(
        ["embedded:curve-train", "embedded:curve-train"], output: folder.path)
    }
    #expect(found.contains("not a class for each row"), "\(found)")
  }
}

extension StrewnPackTests {
  /// 0 is the background, so that 255 classes are left for a byte.
  @Test(arguments: [255, 256]) func aPixelHasOneOf255Classes(_ count: Int) throws {
    let path = folder.path + "/many.safetensors"
    let names = (0..<count).map { "c\($0)" }
    let pixels = [UInt8](repeating: 255, count: count * 4)
    let labels = (0..<count).map { Int32($0) }
    try SafetensorsWriter.write(
      [
        SafetensorsTensor(name: "x", dtype: .uint8, shape: [count, 2, 2, 1]) { sink in
          try pixels.withUnsafeBytes { try sink($0) }
        },
        SafetensorsTensor(name: "y", dtype: .int32, shape: [count]) { sink in
          try labels.withUnsafeBytes { try sink($0) }
        },
      ], metadata: ["class_names": ClassNames(names).text], to: path)
    var packer = StrewnPacker()
    (packer.canvas, packer.rows, packer.labels) = ((64, 64), [64], .pixels)
    (packer.objects, packer.scale) = (1...32, 1...1)
    let output = folder.path + "/canvas.safetensors"
    guard count == 255 else {
      let found = refusal { _ = try packer.pack([path], output: output) }
      #expect(found.contains("has 256 classes, a pixel's class is one of 255"), "\(found)")
      return
    }
    _ = try packer.pack([path], output: output)
    let classes = try SafetensorsFile(path: output).bytes("y")
    #expect(classes.max() ?? 0 > 250)
  }
}

/// Some classes, or some rows of each, of a data set file.
@Suite struct SubsetPackTests {
  let folder = TemporaryFolder()

  private func pack(
    _ source: String = "embedded:digits-validation",
    _ configure: (inout SubsetPacker) -> Void = { _ in }
  ) throws -> SafetensorsFile {
    var packer = SubsetPacker()
    configure(&packer)
    return try SafetensorsFile(
      path: packer.pack(source, to: "\(folder.path)/subset.safetensors").path)
  }

  @Test func rowsKeepTheirOrderAndClassesAreNumberedAnew() throws {
    let all = try SafetensorsFile(dataset: EmbeddedData.resolve("embedded:digits-validation"))
    let (x, y) = (try all.bytes("x"), values(try all.bytes("y"), as: Int32.self))
    let file = try pack { $0.classes = ["7", "2"] }
    let wanted = y.indices.filter { y[$0] == 7 || y[$0] == 2 }
    #expect(values(try file.bytes("y"), as: Int32.self) == wanted.map { y[$0] == 7 ? 0 : 1 })
    #expect(try file.bytes("x") == wanted.flatMap { x[$0 * 64..<($0 + 1) * 64] })
    #expect(file.metadata["classes"] == "2" && file.metadata["class_names"] == "[\"7\",\"2\"]")
    // The names of a file are those of its own subset.
    let again = try pack(file.path) { ($0.classes, $0.perClass) = (["2"], 3) }
    #expect(values(try again.bytes("y"), as: Int32.self) == [0, 0, 0])
  }

  @Test func soManyOfEachClass() throws {
    let file = try pack { $0.perClass = 4 }
    let y = values(try file.bytes("y"), as: Int32.self)
    #expect((0..<10).allSatisfy { label in y.count { $0 == label } == 4 })
    let other = try pack { ($0.perClass, $0.seed) = (4, 2) }
    #expect(try other.bytes("x") != file.bytes("x"))
  }

  @Test func allOthersMakeOneMoreClass() throws {
    let y = values(
      try SafetensorsFile(dataset: EmbeddedData.resolve("embedded:digits-validation")).bytes("y"),
      as: Int32.self)
    let file = try pack { ($0.classes, $0.rest) = (["7", "2"], "other") }
    #expect(
      values(try file.bytes("y"), as: Int32.self) == y.map { $0 == 7 ? 0 : $0 == 2 ? 1 : 2 })
    #expect(file.metadata["classes"] == "3")
    #expect(file.metadata["class_names"] == "[\"7\",\"2\",\"other\"]")
    let few = try pack { ($0.classes, $0.rest, $0.perClass) = (["7", "2"], "other", 5) }
    let labels = values(try few.bytes("y"), as: Int32.self)
    #expect((0..<3).allSatisfy { label in labels.count { $0 == label } == 5 })
  }

  @Test func whatAFileLacksIsNamed() {
    for (configure, expected) in [
      ({ $0.classes = ["3", "x"] }, "has the class \"x\", which embedded:digits-validation lacks"),
      ({ $0.classes = ["3", "3"] }, "names a class twice"),
      ({ ($0.classes, $0.rest) = (["3"], "3") }, "rest: \"3\" is no name of one more class"),
      ({ $0.perClass = 1000 }, "rows of the class \"0\", fewer than 1000"),
    ] as [((inout SubsetPacker) -> Void, String)] {
      let found = refusal { _ = try pack("embedded:digits-validation", configure) }
      #expect(found.contains(expected), "\(found)")
    }
  }
}
