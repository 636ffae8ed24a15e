import DLConfiguration

/// The loss of a job: `{cross_entropy: {label_smoothing: 0.1}}`, or the bare name `mse`.
package struct LossConfiguration: ConfigurationChoice {
  /// The loss, of a type in ``LossRegistry``.
  package let loss: any LossSpec

  /// True if someone chose it: what the job falls back on without one may not be meant.
  package let isChosen: Bool

  /// Makes the configuration of a loss.
  ///
  /// - Parameter isChosen: whether someone chose it.
  package init(_ loss: some LossSpec, isChosen: Bool = true) {
    self.loss = loss
    self.isChosen = isChosen
  }

  /// Makes the configuration from a loss.
  package init?(option: any ConfigurationOption, line: Int) {
    guard let loss = option as? any LossSpec else { return nil }
    self.loss = loss
    isChosen = true
  }

  /// The loss, whose properties are its options.
  package var option: any ConfigurationOption { loss }
  /// The types in ``LossRegistry``.
  package static var optionTypes: [any ConfigurationOption.Type] { LossRegistry.all }
  /// A loss.
  package static var noun: String { "loss" }
  /// Two losses.
  package static var example: String { "mse or {huber: {delta: 2}}" }

  /// The bare name of a loss without options, else a mapping of one key.
  package var node: ConfigurationNode {
    guard case .mapping(let options) = loss.node.value, !options.isEmpty else { return word.node }
    return .init(.mapping([.init(word, loss.node)]))
  }
}
