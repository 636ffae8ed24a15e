import DLConfiguration
import DLData
import DLFormats
import DLTensor

/// Makes a few changes, each drawn from fourteen, of one strength.
///
/// Cubuk et al. 2020, "RandAugment". Counterpart: `torchvision.transforms.RandAugment(num_ops,
/// magnitude, 31, BILINEAR)`, on a PIL image.
package struct RandAugment: AugmentationSpec, ImageChange {
  package static var word: String { "rand_augment" }
  /// Changes of an image, one after the other.
  package var numOps = 2
  /// Their strength, of 0 to 30.
  package var magnitude = 9
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [
      .init("num_ops", \.numOps, .within(1...14), "changes of an image, one after the other"),
      .init("magnitude", \.magnitude, .within(0...30), "their strength"),
    ]
  }
  /// The change of images.
  package var change: Augmentation.Change { .bytes(.init(self)) }

  /// The changes, in torchvision's order.
  package enum Operation: Int, CaseIterable, Sendable {
    case identity, shearX, shearY, translateX, translateY, rotate, brightness, color, contrast
    case sharpness, posterize, solarize, autocontrast, equalize
  }

  /// Changes one image.
  package func apply(
    to image: PixelBuffer, scratch: UnsafeMutablePointer<UInt8>, random: inout RandomStream
  ) {
    for _ in 0..<numOps {
      let operation = Operation.allCases[random.upTo(Operation.allCases.count)]
      Self.apply(
        operation, magnitude, isNegative: random.upTo(2) == 1, to: image, scratch: scratch)
    }
  }

  /// Makes one change.
  package static func apply(
    _ operation: Operation, _ magnitude: Int, isNegative: Bool, to image: PixelBuffer,
    scratch: UnsafeMutablePointer<UInt8>
  ) {
    let share = Double(magnitude) / 30
    func signed(_ most: Double) -> Double { (isNegative ? -1 : 1) * share * most }
    func move(_ matrix: [Double]) { image.transform(matrix, scratch: scratch) }
    switch operation {
    case .identity: break
    case .shearX: move([1, signed(0.3), 0, 0, 1, 0])
    case .shearY: move([1, 0, 0, signed(0.3), 1, 0])
    case .translateX:
      let by = signed(150.0 / 331 * Double(image.width)).rounded(.towardZero)
      move([1, 0, -by, 0, 1, 0])
    case .translateY:
      let by = signed(150.0 / 331 * Double(image.height)).rounded(.towardZero)
      move([1, 0, 0, 0, 1, -by])
    case .rotate: image.rotate(degrees: signed(30), scratch: scratch)
    case .brightness: image.adjustBrightness(1 + signed(0.9))
    case .color: image.adjustSaturation(1 + signed(0.9))
    case .contrast: image.adjustContrast(1 + signed(0.9))
    case .sharpness: image.adjustSharpness(1 + signed(0.9), scratch: scratch)
    case .posterize: image.posterize(bits: 8 - Int((share * 4).rounded(.toNearestOrEven)))
    case .solarize: image.solarize(threshold: 255 * Double(30 - magnitude) / 30)
    case .autocontrast: image.autocontrast()
    case .equalize: image.equalize()
    }
  }
}
