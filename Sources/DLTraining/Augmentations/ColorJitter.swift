import DLConfiguration
import DLData
import DLFormats
import DLTensor

/// Changes brightness, contrast, saturation and hue, in random order.
///
/// Counterpart: `torchvision.transforms.ColorJitter`, on a PIL image. What is 0 is left as it is.
package struct ColorJitter: AugmentationSpec, ImageChange {
  package static var word: String { "color_jitter" }
  /// The factor is drawn from 1 - brightness ..< 1 + brightness, and is 0 or more.
  package var brightness = 0.4
  /// The same for the distance from the mean gray.
  package var contrast = 0.4
  /// The same for the distance from each pixel's gray.
  package var saturation = 0.4
  /// The turn is drawn from -hue ..< hue, 1 being the whole circle.
  package var hue = 0.0
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "brightness", \.brightness, .within(0...10),
        "the factor is in 1 - it to 1 + it, 0 or more"),
      .init("contrast", \.contrast, .within(0...10), "the same for distances from the mean gray"),
      .init("saturation", \.saturation, .within(0...10), "the same for that from a pixel's gray"),
      .init("hue", \.hue, .within(0...0.5), "the turn is in -it to it, 1 being the whole circle"),
    ]
  }
  /// The change of images.
  package var change: Augmentation.Change { .bytes(.init(self)) }

  /// Changes one image.
  package func apply(
    to image: PixelBuffer, scratch: UnsafeMutablePointer<UInt8>, random: inout RandomStream
  ) {
    var order = [0, 1, 2, 3]
    random.shuffle(&order)
    func factor(_ strength: Double) -> Double {
      let low = max(0, 1 - strength)
      return low + random.uniform() * (1 + strength - low)
    }
    // As many numbers are drawn whichever are 0.
    let factors = [factor(brightness), factor(contrast), factor(saturation)]
    let turn = (2 * random.uniform() - 1) * hue
    for part in order {
      switch part {
      case 0 where brightness > 0: image.adjustBrightness(factors[0])
      case 1 where contrast > 0: image.adjustContrast(factors[1])
      case 2 where saturation > 0: image.adjustSaturation(factors[2])
      case 3 where hue > 0: image.adjustHue(turn)
      default: break
      }
    }
  }
}
