import DLTensor
import DLConfiguration
import Foundation

/// An exponential mean that forgets fast at first.
///
///     a = c(n) * a + (1 - c(n)) * p,     c(n) = min(decay, 1 - (1 + n / invGamma)^-power)
///
/// As `use_ema_warmup` of `diffusers.training_utils.EMAModel` and `use_warmup` of timm's
/// `ModelEmaV3`; after a power of 2/3 the decay is 0.999 in step 31,600.
package struct RampedAverage: AverageWeighting {
  /// The largest share of the mean that an update leaves.
  package let decay: Double

  /// The updates in which the ramp gets going.
  package let invGamma: Double

  /// The exponent of the ramp.
  package let power: Double

  package init(decay: Double, invGamma: Double = 1, power: Double = 2.0 / 3) {
    self.decay = decay
    self.invGamma = invGamma
    self.power = power
  }

  /// The weight of the next update.
  package func weight(afterUpdates updates: Int) -> Double {
    1 - min(decay, 1 - PortableMath.pow(1 + Double(updates) / invGamma, -power))
  }
}

/// The options of an exponential mean with a ramp.
package struct RampedAverageSpec: AverageSpec {
  package static var word: String { "ema_ramp" }

  /// The largest share of the mean that an update leaves.
  package var decay = 0.999
  /// The updates in which the ramp gets going.
  package var invGamma = 1.0
  /// The exponent of the ramp.
  package var power = 2.0 / 3

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("decay", \.decay, .within(0..<1), "what an update leaves of the mean, at most"),
      .init("inv_gamma", \.invGamma, .above(0), "updates in which the ramp gets going"),
      .init("power", \.power, .above(0), "exponent of the ramp"),
    ]
  }

  package func makeWeighting() -> any AverageWeighting {
    RampedAverage(decay: decay, invGamma: invGamma, power: power)
  }
}
