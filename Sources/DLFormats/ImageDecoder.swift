import CPNG
import CTurboJPEG

/// Decodes JPEG (libjpeg-turbo) and PNG (libpng) from memory; told apart by their first bytes.
///
/// Input is taken as hostile: sizes are checked before anything is allocated, and data that are cut
/// short or damaged are an error, never a picture half gray. JPEG is decoded with the accurate
/// inverse transform and smooth chroma, as Pillow does. Of a PNG the alpha channel is left out, and
/// 16-bit samples become 8-bit. Colour profiles and EXIF are not looked at. To be used by one
/// thread.
public final class ImageDecoder {
  private let jpeg: tjhandle

  /// Makes a decoder; throws a `FormatError` where libjpeg-turbo has no memory.
  public init() throws {
    guard let handle = tjInitDecompress() else {
      throw FormatError(
        .io, file: "libjpeg-turbo", "cannot start: \(Self.text(tjGetErrorStr2(nil)))",
        advice: "free some memory")
    }
    jpeg = handle
  }

  deinit { tjDestroy(jpeg) }

  /// The picture in `bytes`, gray or colour as it was encoded.
  ///
  /// Throws a `FormatError` about `name` for anything but a whole JPEG or PNG.
  public func decode(_ bytes: [UInt8], name: String) throws -> RasterImage {
    if bytes.starts(with: [0xff, 0xd8, 0xff]) { return try decodeJPEG(bytes, name) }
    if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) {
      return try decodePNG(bytes, name)
    }
    throw FormatError(
      .content, file: name, "is neither JPEG nor PNG", advice: "convert or remove it")
  }

  private func decodeJPEG(_ bytes: [UInt8], _ name: String) throws -> RasterImage {
    var width: Int32 = 0
    var height: Int32 = 0
    var sampling: Int32 = 0
    var space: Int32 = 0
    let size = CUnsignedLong(bytes.count)
    guard tjDecompressHeader3(jpeg, bytes, size, &width, &height, &sampling, &space) == 0 else {
      throw failure("JPEG", Self.text(tjGetErrorStr2(jpeg)), name)
    }
    try RasterImage.check(height: Int(height), width: Int(width), name: name)
    let isGray = space == Int32(TJCS_GRAY.rawValue)
    let channels = isGray ? 1 : 3
    let format = Int32((isGray ? TJPF_GRAY : TJPF_RGB).rawValue)
    // A few bytes may ask for thousands of progressive scans.
    let flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS
    let count = Int(width) * Int(height) * channels
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, made in
      let status = tjDecompress2(
        jpeg, bytes, size, buffer.baseAddress, width, 0, height, format, flags)
      let reason = status == 0 ? "" : Self.text(tjGetErrorStr2(jpeg))
      // Bytes between segments are common in the wild and leave no trace in the picture.
      let isHarmless =
        tjGetErrorCode(jpeg) == Int32(TJERR_WARNING.rawValue)
        && reason.contains("extraneous bytes before marker")
      guard status == 0 || isHarmless else { throw failure("JPEG", reason, name) }
      made = count
    }
    return try RasterImage(
      height: Int(height), width: Int(width), channels: channels, pixels: pixels)
  }

  private func decodePNG(_ bytes: [UInt8], _ name: String) throws -> RasterImage {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    // libpng keeps the address of the bytes between the calls.
    return try bytes.withUnsafeBytes { bytes in
      defer { png_image_free(&image) }
      guard png_image_begin_read_from_memory(&image, bytes.baseAddress, bytes.count) != 0 else {
        throw failure("PNG", Self.text(image), name)
      }
      let (width, height) = (Int(image.width), Int(image.height))
      try RasterImage.check(height: height, width: width, name: name)
      image.flags |= UInt32(PNG_IMAGE_FLAG_16BIT_sRGB)
      image.format &= UInt32(PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA)
      let channels = image.format & PNG_FORMAT_FLAG_COLOR == 0 ? 1 : 3
      let stored = channels + (image.format & PNG_FORMAT_FLAG_ALPHA == 0 ? 0 : 1)
      let count = width * height * stored
      var pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, made in
        let status = png_image_finish_read(&image, nil, buffer.baseAddress, 0, nil)
        guard status != 0, image.warning_or_error == 0 else {
          throw failure("PNG", Self.text(image), name)
        }
        made = count
      }
      if stored > channels { Self.dropLast(of: stored, &pixels) }
      return try RasterImage(height: height, width: width, channels: channels, pixels: pixels)
    }
  }

  /// Leaves the last of every `size` bytes out.
  private static func dropLast(of size: Int, _ pixels: inout [UInt8]) {
    let count = pixels.count / size
    pixels.withUnsafeMutableBufferPointer { pixels in
      for pixel in 0..<count {
        for channel in 0..<size - 1 {
          pixels[pixel * (size - 1) + channel] = pixels[pixel * size + channel]
        }
      }
    }
    pixels.removeLast(count)
  }

  private func failure(_ kind: String, _ reason: String, _ name: String) -> FormatError {
    FormatError(
      .content, file: name, "cannot decode the \(kind): \(reason)",
      advice: "replace or remove it")
  }

  private static func text(_ message: UnsafeMutablePointer<CChar>?) -> String {
    message.map { String(cString: $0) } ?? "unknown reason"
  }

  private static func text(_ image: png_image) -> String {
    withUnsafeBytes(of: image.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }
}
