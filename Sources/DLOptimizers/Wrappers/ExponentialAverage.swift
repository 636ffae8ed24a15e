import DLConfiguration

/// A mean to which each update counts `1 - decay`.
///
///     a = decay * a + (1 - decay) * p
///
/// Polyak and Juditsky (1992); `torch.optim.swa_utils.get_ema_multi_avg_fn`.
public struct ExponentialAverage: AverageWeighting {
  /// The share of the mean that an update leaves.
  package let decay: Double

  /// Makes the weighting.
  public init(decay: Double) { self.decay = decay }

  /// The weight of the next update.
  public func weight(afterUpdates updates: Int) -> Double { 1 - decay }
}

extension AverageWeighting where Self == ExponentialAverage {
  /// An exponential mean.
  public static func exponential(decay: Double) -> Self { Self(decay: decay) }
}

/// The options of an exponential mean.
package struct ExponentialAverageSpec: AverageSpec {
  /// The name as written in `average`.
  package static var word: String { "ema" }

  /// The share of the mean that an update leaves.
  package var decay = 0.999

  /// Makes the options with their defaults.
  package init() {}

  /// The keys, in the order in which they are written.
  package static var fields: [ConfigurationField<Self>] {
    [.init("decay", \.decay, .within(0..<1), "what an update leaves of the mean")]
  }

  /// Makes the weighting.
  package func makeWeighting() -> any AverageWeighting { ExponentialAverage(decay: decay) }
}
