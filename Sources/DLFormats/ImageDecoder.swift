import CImage
import CTurboJPEG
import DLCore

/// Decodes JPEG (libjpeg-turbo) and PNG (libpng) from memory, to the bytes that Pillow gives; told
/// apart by their first bytes.
///
/// Input is taken as hostile: sizes are checked before anything is allocated, and data that are cut
/// short or damaged are an error, never a picture half gray. Color comes out as red, green and
/// blue, gray as gray. Of a PNG the alpha channel is left out, and of 16 bits the high byte is
/// taken. Color profiles, gamma and EXIF orientation are not looked at: they say how to show the
/// pixels and do not change them. To be used by one thread.
package final class ImageDecoder {
  private let jpeg: tjhandle

  /// Makes a decoder.
  ///
  /// - Throws: a `FormatError` where libjpeg-turbo has no memory.
  package init() throws {
    guard let handle = tjInitDecompress() else {
      throw FormatError(
        .io, file: "libjpeg-turbo", "cannot start: \(Self.text(tjGetErrorStr2(nil)))",
        advice: "free some memory")
    }
    jpeg = handle
  }

  deinit { tjDestroy(jpeg) }

  /// The picture in `bytes`, gray or color as it was encoded.
  ///
  /// - Throws: a `FormatError` about `name` for anything but a whole JPEG or PNG.
  package func decode(_ bytes: [UInt8], name: String) throws -> RasterImage {
    if bytes.starts(with: [0xff, 0xd8, 0xff]) { return try decodeJPEG(bytes, name) }
    if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
      return try decodePNG(bytes, name)
    }
    let kind = FileKind(bytes).map { "is \($0.name), " } ?? "is "
    throw FormatError(
      .content, file: name, kind + "neither JPEG nor PNG", advice: "convert or remove it")
  }

  private func decodeJPEG(_ bytes: [UInt8], _ name: String) throws -> RasterImage {
    var width: Int32 = 0
    var height: Int32 = 0
    var sampling: Int32 = 0
    var space: Int32 = 0
    let size = CUnsignedLong(bytes.count)
    let header = tjDecompressHeader3(jpeg, bytes, size, &width, &height, &sampling, &space)
    try checkJPEG(header, name)
    try RasterImage.check(height: Int(height), width: Int(width), name: name)
    // As it was encoded: nothing here turns color into gray or gray into color. YCCK becomes CMYK.
    let (stored, format) =
      switch TJCS(UInt32(space)) {
      case TJCS_GRAY: (1, TJPF_GRAY)
      case TJCS_CMYK, TJCS_YCCK: (4, TJPF_CMYK)
      default: (3, TJPF_RGB)
      }
    // The options that change pixels, as libjpeg's own defaults and Pillow have them: the accurate
    // inverse transform, smooth chroma (TJFLAG_FASTUPSAMPLE is not set), rows from the top
    // (TJFLAG_BOTTOMUP is not set). A few bytes may ask for thousands of progressive scans.
    let flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS
    let count = Int(width) * Int(height) * stored
    var pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, made in
      let status = tjDecompress2(
        jpeg, bytes, size, buffer.baseAddress, width, 0, height, Int32(format.rawValue), flags)
      try checkJPEG(status, name)
      made = count
    }
    if stored == 4 { pixels = Self.rgb(fromInvertedCMYK: pixels) }
    return try RasterImage(
      height: Int(height), width: Int(width), channels: min(stored, 3), pixels: pixels)
  }

  /// Throws for a failed call of libjpeg-turbo, and for its warnings, which are of damage but for
  /// some that leave no trace in the picture.
  private func checkJPEG(_ status: Int32, _ name: String) throws {
    guard status != 0 else { return }
    let reason = Self.text(tjGetErrorStr2(jpeg))
    let isHarmless =
      tjGetErrorCode(jpeg) == Int32(TJERR_WARNING.rawValue)
      && [
        "extraneous bytes before marker", "unknown JFIF revision number",
        "Unknown Adobe color transform code",
      ].contains { reason.contains($0) }
    guard isHarmless else { throw failure("JPEG", reason, name) }
  }

  /// Red, green and blue of pixels of four inks.
  ///
  /// Adobe's programs store inks inverted, and Pillow takes every JPEG for theirs. What is left of
  /// each color is (255 - ink) (255 - black) / 255, to the nearest as Pillow rounds it.
  private static func rgb(fromInvertedCMYK inks: [UInt8]) -> [UInt8] {
    let count = inks.count / 4
    return [UInt8](unsafeUninitializedCapacity: 3 * count) { out, made in
      inks.withUnsafeBufferPointer { inks in
        for pixel in 0..<count {
          let paper = Int(inks[4 * pixel + 3])
          for color in 0..<3 {
            let product = (255 - Int(inks[4 * pixel + color])) * paper + 128
            out[3 * pixel + color] = UInt8(paper - (product >> 8 + product) >> 8)
          }
        }
      }
      made = 3 * count
    }
  }

  private func decodePNG(_ bytes: [UInt8], _ name: String) throws -> RasterImage {
    try bytes.withUnsafeBufferPointer { bytes in
      var size = cimage_size()
      var message = [CChar](repeating: 0, count: Int(CIMAGE_MESSAGE))
      guard let png = cimage_png_open(bytes.baseAddress, bytes.count, &size, &message) else {
        throw failure("PNG", Self.text(message), name)
      }
      defer { cimage_png_close(png) }
      try RasterImage.check(height: size.height, width: size.width, name: name)
      let channels = Int(size.channels)
      let count = size.height * size.width * channels
      let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, made in
        guard cimage_png_read(png, buffer.baseAddress, &message) == 0 else {
          throw failure("PNG", Self.text(message), name)
        }
        made = count
      }
      return try RasterImage(
        height: size.height, width: size.width, channels: channels, pixels: pixels)
    }
  }

  private func failure(_ kind: String, _ reason: String, _ name: String) -> FormatError {
    FormatError(
      .content, file: name, "cannot decode the \(kind): \(reason)",
      advice: "replace or remove it")
  }

  private static func text(_ message: UnsafeMutablePointer<CChar>?) -> String {
    message.map { String(cString: $0) } ?? "unknown reason"
  }

  private static func text(_ message: [CChar]) -> String {
    String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
