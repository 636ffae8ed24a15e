import DLConfiguration
import DLData

/// Takes a window of a random share of the area and brings it to the image's size.
package struct RandomResizedCrop: AugmentationSpec {
  package static var word: String { "random_resized_crop" }
  /// The least and the greatest share of the area.
  package var scale = RandomWindow().scale
  /// The least and the greatest ratio of width to height.
  package var ratio = RandomWindow().ratio
  package init() {}
  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "scale", \.scale, .within(1e-6...1).count(2), "least and greatest share of the area"),
      .init(
        "ratio", \.ratio, .within(1e-3...1e3).count(2),
        "least and greatest ratio of width to height"),
    ]
  }
  /// Ranges whose ends are in order.
  package func problems() -> [ConfigurationProblem] {
    [("scale", scale), ("ratio", ratio)].filter { $0.1.count == 2 && $0.1[0] > $0.1[1] }
      .map { .init($0.0, message: "\($0.1[0]) to \($0.1[1]) is no range: give the least first") }
  }
  /// The change of images.
  package var change: Augmentation.Change {
    .randomResizedCrop(RandomWindow(scale: scale, ratio: ratio))
  }
}
