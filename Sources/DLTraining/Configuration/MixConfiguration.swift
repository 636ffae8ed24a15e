import DLConfiguration
import DLData

/// The mixing of a batch's rows with each other while training.
package struct MixConfiguration: ConfigurationSection {
  /// α of mixup's weights; nil for no mixup.
  package var mixup: Double?
  /// α of CutMix's windows; nil for no CutMix.
  package var cutmix: Double?
  /// The probability that a step mixes.
  package var p = 1.0

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "mixup", \.mixup, .within(0.05...100),
        "blends rows, with a weight of Beta(mixup, mixup); null for none"),
      .init(
        "cutmix", \.cutmix, .within(0.05...100),
        "pastes a window of Beta(cutmix, cutmix) of the area; null for none"),
      .init("p", \.p, .within(0...1), "the probability that a step mixes"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    guard mixup == nil, cutmix == nil else { return [] }
    return [.init("mixup", "cutmix", message: "give mixup, cutmix, or both to take turns")]
  }

  /// The rule for a data set.
  ///
  /// - Throws: `DataError` where its rows cannot be mixed.
  package func mixing(of dataset: any Dataset, seed: Int) throws -> BatchMixing {
    try BatchMixing(mixup: mixup, cutmix: cutmix, probability: p, of: dataset, seed: seed)
  }
}
