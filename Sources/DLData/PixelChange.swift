import DLTensor

/// A change of a program's own that computes an image's pixels itself.
///
/// It draws its random numbers from the stream that it is given, whose key is the seed, the epoch,
/// the sample and the view, so that every number of ranks makes the same image of a sample:
///
/// ```swift
/// struct Invert: PixelChange {
///   let probability: Double
///   func apply(to pixels: inout [Float], shape: [Int], random: inout RandomStream) {
///     guard random.uniform() < probability else { return }
///     for index in pixels.indices { pixels[index] = 255 - pixels[index] }
///   }
/// }
/// ```
public protocol PixelChange: Sendable, Hashable {
  /// Changes one image.
  ///
  /// - Parameters:
  ///   - pixels: the values of `[height, width, channels]`, row by row; for images of bytes 0 to 255,
  ///     to which the results are rounded.
  ///   - shape: `[height, width, channels]`.
  ///   - random: the stream to draw from; the changes behind this one draw on.
  func apply(to pixels: inout [Float], shape: [Int], random: inout RandomStream)
}

/// A pixel change of any type.
public struct AnyPixelChange: Sendable, Hashable {
  /// The change.
  package let base: any PixelChange

  /// Makes room for a change of any type.
  public init(_ base: some PixelChange) { self.base = base }

  /// Returns whether both are equal changes of one type.
  public static func == (a: Self, b: Self) -> Bool { AnyHashable(a.base) == AnyHashable(b.base) }

  /// Hashes the change.
  public func hash(into hasher: inout Hasher) { base.hash(into: &hasher) }

  /// Changes an image in memory.
  func apply(
    to image: UnsafeMutableRawBufferPointer, ofBytes: Bool, shape: [Int],
    random: inout RandomStream
  ) {
    if ofBytes {
      let bytes = image.bindMemory(to: UInt8.self)
      // In this order a value that is not a number becomes 0.
      for (index, value) in changed(bytes.map(Float.init), shape, &random).enumerated() {
        bytes[index] = UInt8(max(0, min(value.rounded(), 255)))
      }
    } else {
      let floats = image.bindMemory(to: Float.self)
      _ = floats.update(fromContentsOf: changed(Array(floats), shape, &random))
    }
  }

  private func changed(
    _ pixels: [Float], _ shape: [Int], _ random: inout RandomStream
  ) -> [Float] {
    var pixels = pixels
    let count = pixels.count
    base.apply(to: &pixels, shape: shape, random: &random)
    precondition(pixels.count == count, "a pixel change must keep the number of pixels")
    return pixels
  }
}
