import DLCore
import DLFormats

/// The images of a data set file that are brought to one size while they are read: encoded ones
/// (`images` U8 [bytes], JPEG and PNG files one after another, and `offsets` I64 [N + 1], where each
/// begins and the last one ends), or `x` U8 [N, height, width, channels].
///
/// May be used from several threads.
package final class StoredImages: Sendable {
  /// The tensor of encoded images.
  package static let bytesKey = "images"
  /// The tensor of their places.
  package static let offsetsKey = "offsets"

  /// The number of images.
  package let count: Int
  /// The way in which they are brought to one size.
  package let fit: ImageFit
  /// The tensor that holds them.
  package let info: SafetensorsInfo

  private let file: SafetensorsFile
  /// The places where each encoded image begins, and the last one ends; nil where pixels are
  /// stored.
  private let offsets: [Int64]?
  private let decoders = Monitor<[ImageDecoder]>([])

  /// Returns whether a file has encoded images.
  package static func areEncoded(_ file: SafetensorsFile) -> Bool { file[bytesKey] != nil }

  /// Looks for images in a data set file that are to be brought to one size; nil for a file of other
  /// rows, or of images that have one size and shall keep it.
  ///
  /// - Throws: `FormatError` for offsets that are no places of images, for encoded images without a
  ///   size to bring them to, and for a size where there are no images.
  package convenience init?(_ file: SafetensorsFile, fit: ImageFit?) throws {
    let isEncoded = Self.areEncoded(file)
    guard let fit else {
      guard isEncoded else { return nil }
      throw FormatError(
        .content, file: file.path, "holds encoded images of any size",
        advice: "give the size to bring them to, as data.images: {size: 224}")
    }
    try self.init(file, isEncoded: isEncoded, fit)
  }

  private init(_ file: SafetensorsFile, isEncoded: Bool, _ fit: ImageFit) throws {
    self.file = file
    self.fit = fit
    func fault(_ what: String, _ advice: String) -> FormatError {
      FormatError(.content, file: file.path, what, advice: advice)
    }
    guard isEncoded else {
      info = try file.info("x")
      guard info.dtype == .uint8, info.shape.count == 4, [1, 3].contains(info.shape[3]),
        info.count > 0
      else {
        throw fault(
          "x is \(info.dtype.rawValue) \(info.shape), no images of bytes that data.images could "
            + "bring to one size", "leave data.images out")
      }
      count = info.shape[0]
      offsets = nil
      return
    }
    info = try file.info(Self.bytesKey)
    let places = try file.info(Self.offsetsKey)
    guard info.dtype == .uint8, info.shape.count == 1, places.dtype == .int64,
      places.shape.count == 1, places.count > 1
    else {
      throw fault(
        "images \(info.dtype.rawValue) \(info.shape) and offsets \(places.dtype.rawValue) "
          + "\(places.shape) are not U8 [bytes] and I64 [images + 1]",
        "pack it by dltrain data pack images \(OptionName.keepEncoded)")
    }
    count = places.count - 1
    var offsets = [Int64](repeating: 0, count: places.count)
    try offsets.withUnsafeMutableBytes { try file.read(Self.offsetsKey, into: $0) }
    let bad = offsets.indices.dropFirst().first { index in
      let (length, overflow) = offsets[index].subtractingReportingOverflow(offsets[index - 1])
      return overflow || !(1...Int64(ImageFolder.largestFile)).contains(length)
    }
    guard offsets[0] == 0, bad == nil, offsets[count] == info.count else {
      let row = offsets[0] != 0 ? 0 : (bad ?? count) - 1
      throw fault(
        "row \(row): offsets \(offsets[row]) and \(offsets[row + 1]) are no place of an image "
          + "within \(info.count) bytes", "pack it anew")
    }
    self.offsets = offsets
  }

  /// Reads an image and brings the window that is asked for by its size, or the middle for nil, to the
  /// size of all.
  ///
  /// - Throws: `FormatError` with file and row.
  package func read(
    _ row: Int, into memory: UnsafeMutablePointer<UInt8>,
    window: (_ height: Int, _ width: Int) -> PixelWindow? = { _, _ in nil }
  ) throws {
    let image = try picture(row)
    try fit.write(image, window: window(image.height, image.width), to: memory)
  }

  private func picture(_ row: Int) throws -> RasterImage {
    guard let offsets else {
      let size = info.rowByteCount
      let pixels = try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
        try file.read(info, rows: row..<row + 1, into: UnsafeMutableRawBufferPointer(buffer))
        count = size
      }
      return try RasterImage(
        height: info.shape[1], width: info.shape[2], channels: info.shape[3], pixels: pixels)
    }
    let place = Int(offsets[row])..<Int(offsets[row + 1])
    let bytes = try [UInt8](unsafeUninitializedCapacity: place.count) { buffer, count in
      try file.read(info, bytes: place, into: UnsafeMutableRawBufferPointer(buffer))
      count = place.count
    }
    let free = decoders.withLock { $0.popLast() }
    let decoder = try free ?? ImageDecoder()
    defer { decoders.withLock { $0.append(decoder) } }
    return try decoder.decode(bytes, name: "\(file.path): row \(row)")
  }
}

/// Rows that may be read by a window of the stored image.
package protocol WindowedDataset: Dataset {
  /// True if rows are images that are brought to one size while they are read.
  var hasWindows: Bool { get }

  /// Reads rows, of each image the window that is asked for by its place among `rows` and its size.
  func read(
    rows: UnsafeBufferPointer<Int>, inputs: UnsafeMutableRawBufferPointer,
    labels: UnsafeMutableRawBufferPointer,
    window: (_ index: Int, _ height: Int, _ width: Int) -> PixelWindow) throws
}
