import DLConfiguration
import DLData
import DLLayers

extension Augmentation.PaddingMode: ConfigurationWord {}

/// The options of an augmentation as `data.augment` gives them, and the change that they make.
///
/// ``AugmentationRegistry`` lists it.
public protocol AugmentationSpec: ConfigurationOption {
  /// The change of images.
  var change: Augmentation.Change { get }
}

/// The augmentations that `data.augment` can name.
public enum AugmentationRegistry {
  /// The library's augmentations: a new one adds its options here.
  package static let builtIn: [any AugmentationSpec.Type] =
    [
      PadCropOptions.self, FlipOptions.self, AlternatingFlipOptions.self, CutoutOptions.self,
      BrightnessOptions.self, ContrastOptions.self, RandomResizedCrop.self, ColorJitter.self,
      Rotation.self, RandAugment.self,
    ]

  private static let registry = TypeRegistry("augmentation", builtIn) { ($0.word, $0) }

  /// All augmentations that a configuration can name.
  package static var all: [any AugmentationSpec.Type] { registry.all }

  /// Adds an augmentation of a program's own, which a configuration can name from then on.
  ///
  /// - Throws: ``RegistryError`` where another type has the same name.
  public static func register(_ spec: any AugmentationSpec.Type) throws {
    try registry.register(spec)
  }
}

/// One entry of `data.augment`: `{pad_crop: {padding: 4}}`, or the bare name `flip`.
package struct AugmentConfiguration: ConfigurationChoice {
  /// The options, of a type in ``AugmentationRegistry``.
  package let options: any AugmentationSpec

  /// Makes an entry from its options.
  package init(_ options: some AugmentationSpec) { self.options = options }

  /// Makes an entry from its options.
  package init?(option: any ConfigurationOption, line: Int) {
    guard let options = option as? any AugmentationSpec else { return nil }
    self.options = options
  }

  /// The change of images.
  package var change: Augmentation.Change { options.change }

  /// The options.
  package var option: any ConfigurationOption { options }
  /// The types in ``AugmentationRegistry``.
  package static var optionTypes: [any ConfigurationOption.Type] { AugmentationRegistry.all }
  /// A change of images.
  package static var noun: String { "augmentation" }
  /// Two changes.
  package static var example: String { "{pad_crop: {padding: 4}} or flip" }
}

/// Pads an image and takes a window of the image's size at a random place.
package struct PadCropOptions: AugmentationSpec {
  package static var word: String { "pad_crop" }
  /// Pixels on each side.
  package var padding = 4
  /// The pixels that they show.
  package var paddingMode = Augmentation.PaddingMode.constant
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [
      .init("padding", \.padding, .within(0...4096), "pixels on each side"),
      .init("padding_mode", \.paddingMode, "what they show; constant is black"),
    ]
  }
  /// The change of images.
  package var change: Augmentation.Change { .padCrop(padding: padding, mode: paddingMode) }
}

/// Mirrors left and right.
package struct FlipOptions: AugmentationSpec {
  package static var word: String { "flip" }
  /// The probability to mirror an image.
  package var p = 0.5
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [.init("p", \.p, .within(0...1), "the probability to mirror an image")]
  }
  /// The change of images.
  package var change: Augmentation.Change { .flip(probability: p) }
}

/// Mirrors half of the images in one epoch and the other half in the next.
package struct AlternatingFlipOptions: AugmentationSpec {
  package static var word: String { "alternating_flip" }
  /// Makes the options: there are none.
  package init() {}
  /// No keys.
  package static var fields: [ConfigurationField<Self>] { [] }
  /// The change of images.
  package var change: Augmentation.Change { .alternatingFlip }
}

/// Blackens a square at a random place.
package struct CutoutOptions: AugmentationSpec {
  package static var word: String { "cutout" }
  /// The square's side in pixels.
  package var size = 8
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [.init("size", \.size, .within(1...4096), "the side of the black square in pixels")]
  }
  /// The change of images.
  package var change: Augmentation.Change { .cutout(size: size) }
}

/// Makes images brighter or darker.
package struct BrightnessOptions: AugmentationSpec {
  package static var word: String { "brightness" }
  /// The factor is drawn from 1 - strength ..< 1 + strength.
  package var strength = 0.2
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "strength", \.strength, .within(0...1), "the factor is in 1 - strength ..< 1 + strength")
    ]
  }
  /// The change of images.
  package var change: Augmentation.Change { .brightness(strength: strength) }
}

/// Makes images harder or softer.
package struct ContrastOptions: AugmentationSpec {
  package static var word: String { "contrast" }
  /// The factor is drawn from 1 - strength ..< 1 + strength.
  package var strength = 0.2
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "strength", \.strength, .within(0...1), "the factor is in 1 - strength ..< 1 + strength")
    ]
  }
  /// The change of images.
  package var change: Augmentation.Change { .contrast(strength: strength) }
}
