import DLCore
import DLData
import DLFormats
import DLTensor
import DLTestSupport
import Testing

private let fixtures = golden("images", of: "DLFormatsTests")
private let names = [
  "420.jpg", "color.png", "gray.jpg", "progressive.jpg", "palette.png", "444.jpg",
]

/// Encoded images of any size, which are decoded while they are read.
@Suite struct StoredImageTests {
  let folder = TemporaryFolder()

  /// A data set of encoded images, two rows of each picture, packed by ``ImagePacker``.
  private func pack() throws -> String {
    for (index, name) in (names + names).enumerated() {
      let target = "\(folder.path)/in/\(index % 2 == 0 ? "cat" : "dog")/\(index)-\(name)"
      try File.makeFolder(File.split(target).folder)
      try File.replace(target) { file in
        try File.contents(of: "\(fixtures)/\(name)").withUnsafeBytes { try file.write($0) }
      }
    }
    var packer = ImagePacker()
    packer.keepsEncoded = true
    return try packer.pack("\(folder.path)/in", output: folder.path)[0].path
  }

  private func tensors(_ bytes: [UInt8], _ offsets: [Int64], rows: Int) -> [SafetensorsTensor] {
    [
      tensor("images", .uint8, [bytes.count], bytes),
      tensor("offsets", .int64, [offsets.count], offsets),
      tensor("y", .int32, [rows], [Int32](repeating: 0, count: rows)),
    ]
  }

  private func write(_ tensors: [SafetensorsTensor]) throws -> String {
    let path = "\(folder.path)/made.safetensors"
    try SafetensorsWriter.write(tensors, to: path)
    return path
  }

  @Test func rowsAreThePicturesBroughtToOneSize() throws {
    let path = try pack()
    let fit = ImageFit(size: 8, resize: 10)
    let dataset = try TensorFileDataset(path: path, images: fit)
    #expect(dataset.count == 12 && dataset.inputShape == [8, 8, 3] && dataset.classCount == 2)
    #expect(dataset.classNames?.names == ["cat", "dog"] && dataset.hasWindows)
    let (x, y) = try read(dataset, [11, 0])
    #expect(values(y, as: Int32.self) == [1, 0])
    let decoder = try ImageDecoder()
    // Rows lie in the order of class and name: 11 of them are sorted as text.
    let places = ["cat/0-420.jpg", "dog/9-progressive.jpg"].map { "\(folder.path)/in/\($0)" }
    for (row, place) in zipped([1, 0], places) {
      let image = try decoder.decode(File.contents(of: place), name: place)
      #expect(image.height == 13 && image.width == 17)
      // Shorter side 10: 10 x 13, of which rows 1 to 8 and columns 2 to 9 are the middle.
      let small = try image.resized(height: 10, width: 13)
      let expected = (1..<9).flatMap { y in
        (2..<10).flatMap { x in (0..<3).map { small.pixels[(y * 13 + x) * 3 + $0] } }
      }
      #expect(Array(x[row * 192..<(row + 1) * 192]) == expected, "\(place)")
    }
    // Pixels that are stored are brought to a size too.
    let stored = try SafetensorsFile(path: "\(fixtures)/pixels.safetensors").bytes("color.png")
    let plain = try write([
      tensor("x", .uint8, [1, 13, 17, 3], stored), tensor("y", .int32, [1], [Int32(0)]),
    ])
    let image = try RasterImage(height: 13, width: 17, channels: 3, pixels: stored)
    var expected = [UInt8](repeating: 0, count: 192)
    try expected.withUnsafeMutableBufferPointer {
      try fit.write(image, window: nil, to: #require($0.baseAddress))
    }
    #expect(try read(TensorFileDataset(path: plain, images: fit), [0]).x == expected)
  }

  /// A window that is drawn before the pictures are decoded is one of the stored picture.
  @Test func windowsAreOfTheStoredPicture() throws {
    let whole = try TensorFileDataset(path: pack(), images: ImageFit(size: 6))
    let rows = Array(0..<12)
    let dataset: any WindowedDataset = SubsetDataset(of: whole, rows: rows.reversed())
    let rule = RandomWindow(scale: [0.3, 0.8])
    let augmentation = try Augmentation([.randomResizedCrop(rule)], of: dataset, seed: 4)
    var x = [UInt8](repeating: 0, count: 12 * 108)
    var (labels, scratch) = ([UInt8](repeating: 0, count: 48), [UInt8](repeating: 0, count: 108))
    try x.withUnsafeMutableBytes { x in
      try labels.withUnsafeMutableBytes { labels in
        try scratch.withUnsafeMutableBytes { scratch in
          try rows.withUnsafeBufferPointer {
            try augmentation.read(
              $0, of: dataset, in: .init(epoch: 2), inputs: x, labels: labels, scratch: scratch)
          }
        }
      }
    }
    let key = RandomKey(4).child("augment").child(2)
    var expected = [UInt8](repeating: 0, count: 12 * 108)
    try expected.withUnsafeMutableBytes { expected in
      try labels.withUnsafeMutableBytes { labels in
        try rows.withUnsafeBufferPointer {
          try dataset.read(rows: $0, inputs: expected, labels: labels) { row, height, width in
            var stream = RandomStream(key.child(row).child("window"))
            #expect((height == 13 && width == 17) || (height == 9 && width == 11))
            return rule.draw(height: height, width: width, &stream)
          }
        }
      }
    }
    #expect(x == expected && Set(x).count > 20)
    #expect(x != (try read(dataset, rows).x))
    #expect(throws: DataError.self) {
      try Augmentation(
        [.flip(probability: 1), .randomResizedCrop(rule)], of: dataset, seed: 4)
    }
  }

  @Test(
    arguments: [
      [0, 5, 5], [0, 9, 4, 12], [1, 12], [0, 11], [0, 13], [0, .max, 12], [0, .min, 12], [-1, 12],
      [12], [0],
    ] as [[Int64]])
  func placesThatAreNoneAreRefused(offsets: [Int64]) throws {
    let bytes = [UInt8](repeating: 1, count: 12)
    let path = try write(tensors(bytes, offsets, rows: max(offsets.count - 1, 1)))
    let error = #expect(throws: FormatError.self) {
      try TensorFileDataset(path: path, images: ImageFit(size: 4))
    }
    #expect(error?.exitCode == .data && error?.description.contains("\n") == false)
  }

  @Test func whatIsMissingIsNamed() throws {
    let path = try pack()
    func refusal(_ body: () throws -> Void) -> String {
      do {
        try body()
        return "none"
      } catch { return "\(error)" }
    }
    #expect(refusal { _ = try TensorFileDataset(path: path) }.contains("data.images: {size: 224}"))
    let rows = try write([
      tensor("x", .float32, [2, 3], [Float](repeating: 0, count: 6)),
      tensor("y", .int32, [2], [Int32(0), 0]),
    ])
    #expect(
      refusal { _ = try TensorFileDataset(path: rows, images: ImageFit(size: 4)) }.contains(
        "leave data.images out"))
  }

  /// Cut, flipped and exchanged bytes by the thousand: a row, or one line with file and row.
  @Test func damageIsAnErrorWithItsRow() throws {
    let contents = try names.map { try File.contents(of: "\(fixtures)/\($0)") }
    var stream = RandomStream(RandomKey(11))
    var (faults, rows) = (0, 0)
    for _ in 0..<60 {
      // A file of 40 rows, each damaged in a way of its own.
      var (bytes, offsets): ([UInt8], [Int64]) = ([], [0])
      for _ in 0..<40 {
        var image = contents[stream.upTo(contents.count)]
        switch stream.upTo(4) {
        case 0: image.removeLast(1 + stream.upTo(image.count - 1))
        case 1:
          for _ in 0..<1 + stream.upTo(8) { image[stream.upTo(image.count)] ^= 1 << stream.upTo(8) }
        case 2: for _ in 0..<4 { image[stream.upTo(image.count)] = UInt8(stream.upTo(256)) }
        default:
          let other = contents[stream.upTo(contents.count)]
          image = Array(image.prefix(stream.upTo(image.count) + 1)) + other.suffix(200)
        }
        bytes += image
        offsets.append(Int64(bytes.count))
      }
      let path = try write(tensors(bytes, offsets, rows: 40))
      let dataset = try TensorFileDataset(path: path, images: ImageFit(size: 5))
      for row in 0..<40 {
        do {
          _ = try read(dataset, [row])
          rows += 1
        } catch let error as FormatError {
          #expect(error.exitCode == .data, "\(error)")
          #expect("\(error)".hasPrefix("\(path): row \(row): ") && !"\(error)".contains("\n"))
          faults += 1
        }
      }
    }
    #expect(rows + faults == 2400 && rows > 50 && faults > 1500, "\(rows) rows, \(faults) faults")
  }
}
