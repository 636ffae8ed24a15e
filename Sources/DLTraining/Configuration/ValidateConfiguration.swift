import DLConfiguration

/// When the validation set is gone through, and what is measured then.
package struct ValidateConfiguration: ConfigurationSection {
  /// After so many epochs.
  package var everyEpochs: Int?
  /// After so many steps.
  package var everySteps: Int?
  /// Rows per forward pass over all ranks; the training batch unless given.
  package var batchSize: Int?
  /// Validations without a new best after which training ends; nil for never.
  package var patience: Int?
  /// The judge that chooses the best checkpoint, where ``monitor`` does not say.
  package var judge = Judge.metric
  /// The views of an image that an output is the mean of, also where the trained network is used.
  package var views = TestTimeAugmentation.one
  /// The metrics that are measured besides the task's own.
  package var metrics: [MetricConfiguration] = []
  /// The name of the metric, or `loss`, that the best checkpoint, ``patience`` and reduce_on_plateau
  /// go by; nil for what ``judge`` says.
  package var monitor: String?

  /// The number that a validation is judged by.
  package enum Judge: String, ConfigurationWord {
    /// The task's own metric, else the loss.
    case metric
    /// The loss.
    case loss
  }

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "every_epochs", \.everyEpochs, .atLeast(1),
        "epochs between validations; 1 where neither is given, and one at the end in any case"),
      .init("every_steps", \.everySteps, .atLeast(1), "steps between validations"),
      .init("batch_size", \.batchSize, .atLeast(1), "rows per forward pass, over all ranks"),
      .init(
        "patience", \.patience, .atLeast(1),
        "validations without a new best after which training ends"),
      .init("judge", \.judge, "metric or loss: what chooses the best checkpoint"),
      .init("views", \.views, "one, mirrored or six: views of an image whose outputs are averaged"),
      .init("metrics", \.metrics, "what is measured besides, as [{top_k: {k: 5}}, f1]"),
      .init(
        "monitor", \.monitor,
        "metric or loss that the best checkpoint, patience and reduce_on_plateau go by"),
    ]
  }

  /// Runs of earlier versions have none of them.
  package static var unwrittenDefaults: Set<String> { ["metrics", "monitor"] }

  /// Metrics of one name.
  package func problems() -> [ConfigurationProblem] {
    var seen: Set<String> = []
    return metrics.filter { !seen.insert($0.metric.name).inserted }.map {
      .init("metrics", message: "\($0.metric.name) stands there twice")
    }
  }
}
