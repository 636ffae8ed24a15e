import DLConfiguration

/// A mean to which all updates count the same.
///
///     a = a + (p - a) / (n + 1)         after n updates
///
/// Izmailov and others, "Averaging Weights Leads to Wider Optima and Better Generalization" (2018),
/// Algorithm 1; `torch.optim.swa_utils.get_swa_multi_avg_fn`.
package struct EqualAverage: AverageWeighting {
  package init() {}

  /// The weight of the next update.
  package func weight(afterUpdates updates: Int) -> Double { 1 / Double(updates + 1) }
}

extension AverageWeighting where Self == EqualAverage {
  /// A mean to which all updates count the same.
  package static var equal: Self { Self() }
}

/// The options of stochastic weight averaging.
package struct EqualAverageSpec: AverageSpec {
  package static var word: String { "swa" }

  /// The learning rate from the start of the mean on; nil for that of the schedule.
  package var lr: Double?
  /// Epochs over which the rate goes to that of the mean, by half a cosine.
  package var annealEpochs = 0.0

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("lr", \.lr, .above(0), "learning rate from the start of the mean on"),
      .init(
        "anneal_epochs", \.annealEpochs, .within(0...1e9),
        "epochs over which the rate goes to that of the mean"),
    ]
  }

  /// A fault where a way has no end.
  package func problems() -> [ConfigurationProblem] {
    guard annealEpochs != 0, lr == nil else { return [] }
    return [.init("anneal_epochs", "lr", message: "needs a lr to go to")]
  }

  package func makeWeighting() -> any AverageWeighting { EqualAverage() }

  /// The mean has running statistics of its own, as by `torch.optim.swa_utils.update_bn`.
  package var gathersStatistics: Bool { true }

  /// The first update comes after 3/4 of the run.
  package func defaultStart(totalSteps: Int) -> Int { totalSteps / 4 * 3 + totalSteps % 4 * 3 / 4 }

  /// An update is made each epoch.
  package func defaultInterval(stepsPerEpoch: Int) -> Int { max(stepsPerEpoch, 1) }
}
