import DLConfiguration
import DLCore
import DLData

/// Draws of training rows with replacement, by the weights of their classes.
///
/// Counterpart: PyTorch's `WeightedRandomSampler`.
package struct SamplerConfiguration: ConfigurationSection {
  /// The weights of the rows.
  package var weights = ClassWeights.balanced

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "weights", \.weights,
        "balanced, for each class as often, or the weight of a row of each class")
    ]
  }

  /// The draws of a data set's rows.
  ///
  /// - Throws: `DataError` where rows have no class each, or classes have no weight.
  func rows(of dataset: any Dataset) throws -> WeightedRows {
    guard let classes = try dataset.rowClasses() else {
      throw DataError(
        "data.sampler: weighs rows by their class, and these labels are no class each; leave it out"
      )
    }
    if let count = dataset.classCount, let given = weights.numbers?.count, given > count {
      throw DataError(
        "data.sampler.weights: \(given) weights for \(counted(count, "class", "classes")), give one for each, "
          + "or data.classes: N where some have no row"
      )
    }
    return try WeightedRows(classes: classes, weights: weights.numbers)
  }
}

/// The weights of rows by their classes.
package enum ClassWeights: ConfigurationCodable, ConfigurationValue {
  /// One over the number of a class's rows.
  case balanced
  /// A weight by the number of the class.
  case each([Double])

  private static let word = "balanced"

  /// The weights by class; nil for those that make classes equal.
  var numbers: [Double]? {
    if case .each(let numbers) = self { numbers } else { nil }
  }

  /// Reads the word, or a list of numbers of 0 or more.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    if case .string(let text) = node.value {
      if text.hasScalars(of: word) { return .balanced }
      node.mismatch("\(word), or a list of weights", path, &faults)
      return nil
    }
    guard let numbers = [Double].read(node, at: path, rule: .atLeast(0), faults: &faults) else {
      return nil
    }
    guard numbers.contains(where: { $0 > 0 }) else {
      node.mismatch("a weight above 0", path, &faults)
      return nil
    }
    return .each(numbers)
  }

  /// The word, or a list.
  package var node: ConfigurationNode { numbers?.node ?? Self.word.node }

  /// A word, or an array of numbers.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    let word = ConfigurationNode.typed("string", [.init("enum", [word].node)])
    return .init(["anyOf": .init(.list([word, [Double].schema(.atLeast(0))]))])
  }
}
