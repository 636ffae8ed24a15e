import DLConfiguration

/// A mean to which each update counts `1 - decay`.
///
///     a = decay * a + (1 - decay) * p
///
/// Polyak and Juditsky (1992); `torch.optim.swa_utils.get_ema_multi_avg_fn`.
package struct ExponentialAverage: AverageWeighting {
  /// The share of the mean that an update leaves.
  package let decay: Double

  package init(decay: Double) { self.decay = decay }

  /// The weight of the next update.
  package func weight(afterUpdates updates: Int) -> Double { 1 - decay }
}

extension AverageWeighting where Self == ExponentialAverage {
  /// An exponential mean.
  package static func exponential(decay: Double) -> Self { Self(decay: decay) }
}

/// The options of an exponential mean.
package struct ExponentialAverageSpec: AverageSpec {
  package static var word: String { "ema" }

  /// The share of the mean that an update leaves.
  package var decay = 0.999

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [.init("decay", \.decay, .within(0..<1), "what an update leaves of the mean")]
  }

  package func makeWeighting() -> any AverageWeighting { ExponentialAverage(decay: decay) }
}
