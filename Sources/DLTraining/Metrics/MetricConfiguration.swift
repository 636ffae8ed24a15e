import DLConfiguration

/// One entry of `validate.metrics`: `{top_k: {k: 5}}`, or the bare word `f1`.
package struct MetricConfiguration: ConfigurationChoice {
  /// The metric, one of those in ``MetricRegistry``.
  package let metric: any MetricSpec
  /// The line of the file that it stands on; 0 where it comes from elsewhere.
  package let line: Int

  /// Makes an entry of a metric.
  package init(_ metric: some MetricSpec) {
    self.metric = metric
    line = 0
  }

  /// Makes an entry from a word's options.
  package init?(option: any ConfigurationOption, line: Int) {
    guard let metric = option as? any MetricSpec else { return nil }
    self.metric = metric
    self.line = line
  }

  /// The metric, whose properties are the word's options.
  package var option: any ConfigurationOption { metric }
  /// The metrics of the program and of dltrain.
  package static var optionTypes: [any ConfigurationOption.Type] { MetricRegistry.all }
  /// A metric.
  package static var noun: String { "metric" }
  /// Two metrics.
  package static var example: String { "{top_k: {k: 5}} or f1" }

  /// The bare word of a metric without options, else a mapping of one key.
  package var node: ConfigurationNode {
    guard case .mapping(let options) = metric.node.value, !options.isEmpty else {
      return word.node
    }
    return .init(.mapping([.init(word, metric.node)]))
  }
}
