import DLConfiguration

/// Per-channel normalization: (x - mean) / std, after division of bytes by 255; or `auto`, for mean and
/// deviation of the training inputs.
package struct NormalizeConfiguration: ConfigurationCodable, ConfigurationValue {
  /// The word for mean and deviation of the training inputs.
  static let automatic = "auto"

  /// One mean per channel.
  package var mean: [Double] = []
  /// One standard deviation per channel.
  package var std: [Double] = []
  /// True if both are still to be found, by a pass over the training inputs.
  package var isAutomatic = false

  /// Makes the section without numbers.
  package init() {}

  /// The numbers as the file has them.
  private struct Channels: ConfigurationSection {
    var mean: [Double] = []
    var std: [Double] = []

    static var fields: [ConfigurationField<Self>] {
      [
        .init("mean", \.mean, required: true, "mean per channel"),
        .init("std", \.std, .above(0), required: true, "standard deviation per channel"),
      ]
    }

    func problems() -> [ConfigurationProblem] {
      guard mean.count != std.count || mean.isEmpty else { return [] }
      let found = "mean has \(mean.count) and std has \(std.count)"
      return [.init("mean", "std", message: "expected one number per channel in both: \(found)")]
    }
  }

  /// Reads `auto`, or a mapping of mean and std.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    var value = Self()
    if case .string(let word) = node.value {
      guard word == automatic else {
        node.mismatch("\(automatic), or a mapping of mean and std", path, &faults)
        return nil
      }
      value.isAutomatic = true
      return value
    }
    guard let channels = Channels.read(node, at: path, rule: rule, faults: &faults) else {
      return nil
    }
    (value.mean, value.std) = (channels.mean, channels.std)
    return value
  }

  /// `auto`, or a mapping of mean and std.
  package var node: ConfigurationNode {
    if isAutomatic { return Self.automatic.node }
    var channels = Channels()
    (channels.mean, channels.std) = (mean, std)
    return channels.node
  }

  /// An object of two lists, or a word.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    let word = ConfigurationNode.typed("string", [.init("enum", [automatic].node)])
    return .init(["anyOf": .init(.list([Channels.schema(rule), word]))])
  }
}

/// The part of the training set that a run is validated on, and not trained on.
package struct FoldsConfiguration: ConfigurationSection {
  /// Equal parts of the training set.
  package var count = 0
  /// The one that is held out, counted from 0.
  package var fold = 0

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "count", \.count, .within(2...1000), required: true,
        "equal parts of the training set, stratified by class"),
      .init("fold", \.fold, .atLeast(0), "the part that is validated on, counted from 0"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    guard fold >= count else { return [] }
    return [.init("fold", "count", message: "\(fold) of \(count) parts: give 0 to \(count - 1)")]
  }
}
