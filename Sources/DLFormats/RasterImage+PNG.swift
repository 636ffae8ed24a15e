import CPNG
import DLCore

extension RasterImage {
  /// The picture as the bytes of a PNG file.
  ///
  /// - Throws: a `FormatError` where libpng has no memory.
  package func png() throws -> [UInt8] {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    image.width = UInt32(width)
    image.height = UInt32(height)
    image.format = channels == 1 ? UInt32(PNG_FORMAT_GRAY) : UInt32(PNG_FORMAT_RGB)
    var size = 0
    func write(_ memory: UnsafeMutableRawPointer?) throws {
      guard png_image_write_to_memory(&image, memory, &size, 0, pixels, 0, nil) != 0 else {
        let reason = withUnsafeBytes(of: image.message) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        throw FormatError(
          .io, file: "image", "cannot encode the PNG: \(reason)", advice: "free some memory")
      }
    }
    // The first call, without memory, tells the size.
    try write(nil)
    return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      try write(buffer.baseAddress)
      count = size
    }
  }

  /// Writes the picture as a PNG file, replacing one of that name as a whole.
  ///
  /// - Throws: `FormatError`.
  package func writePNG(to path: String) throws {
    let bytes = try png()
    try File.replace(path) { file in try bytes.withUnsafeBytes { try file.write($0) } }
  }

  /// A sheet of equal pictures, row by row with `columns` in a row and `gap` black pixels between
  /// them.
  ///
  /// `tiles` holds `[count, height, width, channels]`. Counterpart: `torchvision.utils.make_grid`.
  ///
  /// - Throws: `FormatError` where the sizes do not fit.
  package static func sheet(
    tiles: [UInt8], height: Int, width: Int, channels: Int, columns: Int, gap: Int = 2
  ) throws -> RasterImage {
    try check(height: height, width: width, name: "sheet")
    let size = height * width * channels
    guard channels == 1 || channels == 3, columns > 0, gap >= 0, gap < 1 << 16, !tiles.isEmpty,
      tiles.count % size == 0
    else {
      throw FormatError(
        .content, file: "sheet",
        "\(tiles.count) bytes are no tiles of [\(height), \(width), \(channels)] in \(columns) "
          + "columns with gaps of \(gap)", advice: "give whole tiles and 1 column or more")
    }
    let count = tiles.count / size
    let columns = min(columns, count)
    let rows = (count + columns - 1) / columns
    let sheetWidth = columns * (width + gap) - gap
    let sheetHeight = rows * (height + gap) - gap
    try check(height: sheetHeight, width: sheetWidth, name: "sheet")
    var pixels = [UInt8](repeating: 0, count: sheetWidth * sheetHeight * channels)
    for tile in 0..<count {
      let top = tile / columns * (height + gap)
      let left = tile % columns * (width + gap)
      for y in 0..<height {
        let source = tile * size + y * width * channels
        let target = ((top + y) * sheetWidth + left) * channels
        pixels.replaceSubrange(
          target..<target + width * channels, with: tiles[source..<source + width * channels])
      }
    }
    return try RasterImage(
      height: sheetHeight, width: sheetWidth, channels: channels, pixels: pixels)
  }
}
