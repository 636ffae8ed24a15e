import CImage

/// Memory of a picture of bytes, `[height, width, channels]` with 1 (gray) or 3 channels, which is
/// changed in place.
///
/// The changes give the bytes of Pillow and of torchvision's functional transforms of a PIL image.
/// It does not own the memory.
package struct PixelBuffer {
  /// The first byte.
  package let base: UnsafeMutablePointer<UInt8>
  /// The number of rows.
  package let height: Int
  /// The number of columns.
  package let width: Int
  /// 1 or 3.
  package let channels: Int

  /// The number of pixels.
  private var count: Int { height * width }

  /// Describes memory.
  package init(_ base: UnsafeMutablePointer<UInt8>, height: Int, width: Int, channels: Int) {
    precondition(channels == 1 || channels == 3, "1 or 3 channels")
    self.base = base
    self.height = height
    self.width = width
    self.channels = channels
  }

  /// Multiplies by a factor of 0 or more.
  ///
  /// Counterpart: `adjust_brightness`.
  package func adjustBrightness(_ factor: Double) {
    cimage_brightness(base, count, channels, Float(factor))
  }

  /// Multiplies the distance from the mean gray.
  ///
  /// Counterpart: `adjust_contrast`.
  package func adjustContrast(_ factor: Double) {
    cimage_contrast(base, count, channels, Float(factor))
  }

  /// Multiplies the distance of each pixel from its gray.
  ///
  /// Counterpart: `adjust_saturation`.
  package func adjustSaturation(_ factor: Double) {
    cimage_saturation(base, count, channels, Float(factor))
  }

  /// Turns the hue by a part of its circle, -0.5 to 0.5.
  ///
  /// Counterpart: `adjust_hue`.
  package func adjustHue(_ turn: Double) {
    cimage_hue(base, count, channels, UInt8(truncatingIfNeeded: Int(turn * 255)))
  }

  /// Multiplies the distance from the smoothed picture.
  ///
  /// Counterpart: `adjust_sharpness`.
  package func adjustSharpness(_ factor: Double, scratch: UnsafeMutablePointer<UInt8>) {
    cimage_sharpness(base, scratch, height, width, channels, Float(factor))
  }

  /// Keeps the highest 1 to 8 bits.
  ///
  /// Counterpart: `posterize`.
  package func posterize(bits: Int) {
    cimage_posterize(base, count, channels, Int32(min(max(bits, 1), 8)))
  }

  /// Inverts bytes from a threshold on.
  ///
  /// Counterpart: `solarize`.
  package func solarize(threshold: Double) { cimage_solarize(base, count, channels, threshold) }

  /// Spreads each channel over 0 to 255.
  ///
  /// Counterpart: `autocontrast`.
  package func autocontrast() { cimage_autocontrast(base, count, channels) }

  /// Makes each channel's bytes equally frequent.
  ///
  /// Counterpart: `equalize`.
  package func equalize() { cimage_equalize(base, count, channels) }

  /// Takes each pixel from where a matrix leads, `x' = m0 x + m1 y + m2` and `y' = m3 x + m4 y + m5`,
  /// bilinear, black outside.
  ///
  /// Counterpart: `PIL.Image.transform(AFFINE, BILINEAR)`.
  package func transform(_ matrix: [Double], scratch: UnsafeMutablePointer<UInt8>) {
    precondition(matrix.count == 6, "six numbers")
    scratch.update(from: base, count: count * channels)
    cimage_affine(scratch, base, height, width, channels, matrix)
  }

  /// Brings a window to the picture's own size.
  ///
  /// Counterpart: `resized_crop`. Returns false where there is no memory; the picture is as it was then.
  package func enlarge(_ window: PixelWindow, scratch: UnsafeMutablePointer<UInt8>) -> Bool {
    precondition(window.isWithin(height: height, width: width), "a window within the picture")
    scratch.update(from: base, count: count * channels)
    let corner = scratch + (window.top * width + window.left) * channels
    return cimage_resize(
      corner, width * channels, window.height, window.width, channels, height, width, 0, 0, base,
      height, width) == 0
  }
}
