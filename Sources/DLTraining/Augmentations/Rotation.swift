import DLConfiguration
import DLData
import DLFormats
import DLTensor

/// Turns an image about its middle by a random angle; bilinear, black outside.
///
/// Counterpart: `torchvision.transforms.RandomRotation(degrees, BILINEAR)`.
package struct Rotation: AugmentationSpec, ImageChange {
  package static var word: String { "rotation" }
  /// The angle is drawn from -degrees ..< degrees.
  package var degrees = 15.0
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [.init("degrees", \.degrees, .within(0...180), "the angle is in -degrees to degrees")]
  }
  /// The change of images.
  package var change: Augmentation.Change { .bytes(.init(self)) }

  /// Changes one image.
  package func apply(
    to image: PixelBuffer, scratch: UnsafeMutablePointer<UInt8>, random: inout RandomStream
  ) {
    image.rotate(degrees: (2 * random.uniform() - 1) * degrees, scratch: scratch)
  }
}

extension PixelBuffer {
  /// Turns the picture about its middle, against the clock.
  ///
  /// Counterpart: `PIL.Image.rotate`, whose sines and cosines have 15 decimals too.
  package func rotate(degrees: Double, scratch: UnsafeMutablePointer<UInt8>) {
    let turns = degrees - 360 * (degrees / 360).rounded(.down)
    let angle = -turns * Double.pi / 180
    let cosine = (PortableMath.cos(angle) * 1e15).rounded(.toNearestOrEven) / 1e15
    let sine = (PortableMath.sin(angle) * 1e15).rounded(.toNearestOrEven) / 1e15
    let (x, y) = (Double(width) / 2, Double(height) / 2)
    transform(
      [cosine, sine, cosine * -x + sine * -y + x, -sine, cosine, -sine * -x + cosine * -y + y],
      scratch: scratch)
  }
}
