import CImage
import DLCore

extension RasterImage {
  /// The picture at another size, by a triangle filter as wide as the reduction.
  ///
  /// Two passes in fixed point with 22 bits: the bytes of Pillow's `resize((width, height),
  /// BILINEAR)`.
  ///
  /// - Throws: a `FormatError` for a size out of range.
  package func resized(height: Int, width: Int) throws -> RasterImage {
    try Self.check(height: height, width: width, name: "image")
    // A pass may stand between both sizes.
    try Self.check(height: self.height, width: width, name: "image")
    try Self.check(height: height, width: self.width, name: "image")
    let count = height * width * channels
    let pixels = try [UInt8](unsafeUninitializedCapacity: count) { buffer, made in
      try buffer.baseAddress.map {
        try resize(into: PixelBuffer($0, height: height, width: width, channels: channels))
      }
      made = count
    }
    return try RasterImage(height: height, width: width, channels: channels, pixels: pixels)
  }

  /// Brings a window of the picture, or all of it, to the size of a buffer of as many channels.
  ///
  /// - Throws: a `FormatError` where there is no memory.
  package func resize(window: PixelWindow? = nil, into target: PixelBuffer) throws {
    let all = PixelWindow(top: 0, left: 0, height: target.height, width: target.width)
    try resize(
      window: window, to: (height: target.height, width: target.width), part: all, into: target)
  }

  /// Brings a window of the picture, or all of it, to a size, and writes a part of the result, which
  /// must be as large as the buffer.
  ///
  /// - Throws: a `FormatError` where there is no memory.
  package func resize(
    window: PixelWindow? = nil, to size: (height: Int, width: Int), part: PixelWindow,
    into target: PixelBuffer
  ) throws {
    let window = window ?? PixelWindow(top: 0, left: 0, height: height, width: width)
    precondition(
      target.channels == channels && window.isWithin(height: height, width: width)
        && part.isWithin(height: size.height, width: size.width) && part.height == target.height
        && part.width == target.width, "windows within their pictures, and the same channels")
    try pixels.withUnsafeBufferPointer { pixels in
      guard let base = pixels.baseAddress else { return }
      let status = cimage_resize(
        base + (window.top * width + window.left) * channels, width * channels, window.height,
        window.width, channels, size.height, size.width, part.top, part.left, target.base,
        target.height, target.width)
      guard status == 0 else {
        throw FormatError(
          .io, file: "image", "no memory to bring it to another size", advice: "free some memory")
      }
    }
  }
}

/// A part of a picture, in pixels.
package struct PixelWindow: Sendable, Hashable {
  /// The first row.
  package var top: Int
  /// The first column.
  package var left: Int
  /// The number of rows.
  package var height: Int
  /// The number of columns.
  package var width: Int

  /// Makes a window.
  package init(top: Int, left: Int, height: Int, width: Int) {
    self.top = top
    self.left = left
    self.height = height
    self.width = width
  }

  /// Returns whether it has pixels and lies within a picture of that size.
  package func isWithin(height: Int, width: Int) -> Bool {
    self.height > 0 && self.width > 0 && top >= 0 && left >= 0 && self.height <= height - top
      && self.width <= width - left
  }
}
