import DLCore
import DLFormats

/// Images with a class each, in a data set file.
struct LabelledImages {
  private let file: SafetensorsFile
  private let x: SafetensorsInfo
  /// The class of each image.
  let labels: [Int32]
  /// The names of the classes: by the file, else by their numbers.
  let names: [String]

  /// The number of images.
  var count: Int { labels.count }
  /// Height, width and channels of an image.
  var shape: [Int] { Array(x.shape.dropFirst()) }

  /// Opens a file, or a data set that comes with the program.
  ///
  /// - Throws: a content error where it holds something else.
  init(_ name: String) throws {
    file = try SafetensorsFile(dataset: EmbeddedData.resolve(name))
    (labels, names) = try file.classLabels()
    x = try file.info("x")
    guard x.dtype == .uint8, x.shape.count == 4, [1, 3].contains(x.shape[3]) else {
      throw FormatError(
        .content, file: name, "x is \(x.dtype.rawValue) \(x.shape), no images",
        advice: "name a file of U8 [N, height, width, 1 or 3]")
    }
  }

  /// An image.
  func image(_ row: Int) throws -> RasterImage {
    var pixels = [UInt8](repeating: 0, count: x.rowByteCount)
    try pixels.withUnsafeMutableBytes { try file.read(x, rows: row..<row + 1, into: $0) }
    return try RasterImage(
      height: shape[0], width: shape[1], channels: shape[2], pixels: pixels)
  }
}

extension SafetensorsFile {
  /// The class of each row, and what the classes are called: by the file, else by their numbers.
  ///
  /// - Throws: a content error where `y` is no class a row.
  func classLabels() throws -> (labels: [Int32], names: [String]) {
    let y = try info("y")
    guard y.dtype == .int32, y.shape.count == 1, y.count > 0 else {
      throw FormatError(
        .content, file: path, "y is \(y.dtype.rawValue) \(y.shape), not a class for each row",
        advice: "name a file whose y is I32 [N]")
    }
    var labels = [Int32](repeating: 0, count: y.count)
    try labels.withUnsafeMutableBytes { try read("y", into: $0) }
    let names = try ClassNames.read(self)?.names
    let count = names?.count ?? metadata["classes"].flatMap { Int($0) } ?? 1 << 20
    if let row = labels.firstIndex(where: { $0 < 0 || Int($0) >= count }) {
      throw FormatError(
        .content, file: path, "row \(row) has the class \(labels[row]), outside 0 to \(count - 1)",
        advice: "correct it")
    }
    return (labels, names ?? (0...Int(labels.max() ?? 0)).map(String.init))
  }
}
