import DLConfiguration
import DLData

/// The size that images of any size are brought to.
package struct ImagesConfiguration: ConfigurationSection {
  /// The height and width of what the network sees.
  package var size = 0
  /// The length of the shorter side before the middle is taken; 8/7 of the size unless given.
  package var resize: Int?
  /// 1 (gray) or 3 (color).
  package var channels = 3

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("size", \.size, .within(1...4096), required: true, "height and width of an image"),
      .init(
        "resize", \.resize, .within(1...8192),
        "the shorter side before the middle is taken; 8/7 of the size unless given"),
      .init("channels", \.channels, .within(1...3), "1 for gray, 3 for color"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    if let resize, resize < size {
      problems.append(
        .init(
          "resize", "size", message: "\(resize) leaves no middle of \(size): give \(size) or more"))
    }
    if channels == 2 {
      problems.append(.init("channels", message: "2 is neither 1 (gray) nor 3 (color)"))
    }
    return problems
  }

  /// The rule.
  package var fit: ImageFit { ImageFit(size: size, resize: resize, channels: channels) }
}
