import CImage
import DLCore

/// A picture of bytes, row by row from the top: `[height, width, channels]`, 1 channel (gray) or 3
/// (red, green, blue).
package struct RasterImage: Sendable, Hashable {
  /// The most pixels that a picture may have: 2^27.
  package static let maximumPixelCount = 1 << 27

  /// The number of rows.
  package let height: Int
  /// The number of columns.
  package let width: Int
  /// The numbers of a pixel: 1 (gray) or 3 (color).
  package let channels: Int
  /// The bytes, `height * width * channels` of them.
  package let pixels: [UInt8]

  /// Makes a picture of bytes.
  ///
  /// - Throws: a `FormatError` where their number is not that of the sizes.
  package init(height: Int, width: Int, channels: Int, pixels: [UInt8]) throws {
    try Self.check(height: height, width: width, name: "image")
    guard channels == 1 || channels == 3, pixels.count == height * width * channels else {
      throw FormatError(
        .content, file: "image",
        "\(pixels.count) bytes are not \(height) x \(width) pixels of \(channels) channels",
        advice: "give one byte per pixel and channel, 1 or 3 channels")
    }
    self.height = height
    self.width = width
    self.channels = channels
    self.pixels = pixels
  }

  static func check(height: Int, width: Int, name: String) throws {
    let (count, overflow) = height.multipliedReportingOverflow(by: width)
    guard height > 0, width > 0, !overflow, count <= maximumPixelCount else {
      throw FormatError(
        .content, file: name, "an image of \(height) x \(width) pixels",
        advice: "give 1 to \(maximumPixelCount) pixels")
    }
  }

  /// The picture in gray (1 channel) or color (3).
  ///
  /// Gray from color is ITU-R 601's luma, (19595 R + 38470 G + 7471 B + 2^15) / 2^16, as Pillow's
  /// mode L.
  ///
  /// - Throws: `FormatError` where `channels` is neither 1 nor 3.
  package func converted(channels: Int) throws -> RasterImage {
    guard channels != self.channels else { return self }
    let result: [UInt8]
    if channels == 3 {
      result = [UInt8](unsafeUninitializedCapacity: 3 * pixels.count) { out, count in
        cimage_spread(pixels, out.baseAddress, pixels.count)
        count = 3 * pixels.count
      }
    } else {
      result = [UInt8](unsafeUninitializedCapacity: pixels.count / 3) { out, count in
        pixels.withUnsafeBufferPointer { pixels in
          for index in 0..<pixels.count / 3 {
            let red = Int(pixels[3 * index]) * 19595
            let green = Int(pixels[3 * index + 1]) * 38470
            out[index] = UInt8((red + green + Int(pixels[3 * index + 2]) * 7471 + 0x8000) >> 16)
          }
        }
        count = pixels.count / 3
      }
    }
    return try RasterImage(height: height, width: width, channels: channels, pixels: result)
  }
}
