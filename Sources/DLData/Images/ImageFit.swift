import DLFormats

/// A way of bringing images of any size to one: the shorter side to `resize`, then the middle.
///
/// Counterpart: `Resize(resize)` and `CenterCrop(size)` of torchvision.
package struct ImageFit: Sendable, Hashable {
  /// The height and width of what comes out.
  package var size: Int
  /// The length of the shorter side before the middle is taken, `size` or more.
  package var resize: Int
  /// The numbers of a pixel: 1 (gray) or 3 (color).
  package var channels: Int

  /// The shape of an image.
  package var shape: [Int] { [size, size, channels] }

  /// Makes the rule; without `resize` the shorter side becomes 8/7 of the size, as 256 of 224.
  package init(size: Int, resize: Int? = nil, channels: Int = 3) {
    self.size = size
    self.resize = max(resize ?? size * 8 / 7, size)
    self.channels = channels
  }

  /// Writes an image, or a window of it that is brought to the size as a whole.
  ///
  /// - Throws: a `FormatError` where there is no memory.
  package func write(
    _ image: RasterImage, window: PixelWindow?, to memory: UnsafeMutablePointer<UInt8>
  ) throws {
    let image = try image.converted(channels: channels)
    let target = PixelBuffer(memory, height: size, width: size, channels: channels)
    if let window { return try image.resize(window: window, into: target) }
    let short = min(image.height, image.width)
    let long = Int(Double(resize * max(image.height, image.width)) / Double(short))
    let full =
      image.width <= image.height ? (height: long, width: resize) : (height: resize, width: long)
    func middle(_ length: Int) -> Int {
      Int((Double(length - size) / 2).rounded(.toNearestOrEven))
    }
    let part = PixelWindow(
      top: middle(full.height), left: middle(full.width), height: size, width: size)
    try image.resize(to: full, part: part, into: target)
  }
}
