import DLConfiguration
import DLCore

/// A factor of the learning rate that falls where a metric stops improving, as
/// `torch.optim.lr_scheduler.ReduceLROnPlateau`.
///
/// A value type: its state is what a run saves and goes on from.
public struct PlateauReduction: Sendable, Hashable {
  /// The direction in which a metric improves.
  package enum Mode: Sendable, Hashable {
    /// Less is better.
    case minimum
    /// More is better.
    case maximum
  }

  /// The meaning of a threshold.
  package enum ThresholdMode: Sendable, Hashable {
    /// As a fraction of the best.
    case relative
    /// As a difference.
    case absolute
  }

  /// The direction in which the metric improves.
  package var mode: Mode
  /// The factor of the rate at each reduction.
  package let factor: Double
  /// Observations without improvement that are let pass.
  package let patience: Int
  /// The threshold that an improvement must exceed.
  package let threshold: Double
  /// The meaning of the threshold.
  package let thresholdMode: ThresholdMode
  /// Observations after a reduction that do not count.
  package let cooldown: Int
  /// The least multiplier: PyTorch's `min_lr` as a fraction of the learning rate.
  package let minimum: Double

  /// The present factor of the learning rate.
  package var multiplier = 1.0
  /// The best observation; nil before the first.
  package var best: Double?
  /// Observations without improvement since the best.
  package var badCount = 0
  /// Observations that still do not count.
  package var cooldownCount = 0

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` unless `factor` is in [0, 1) and the others are not negative.
  package init(
    mode: Mode = .minimum, factor: Double = 0.1, patience: Int = 10, threshold: Double = 1e-4,
    thresholdMode: ThresholdMode = .relative, cooldown: Int = 0, minimum: Double = 0
  ) throws {
    let check = HyperparameterCheck(optimizer: "plateau")
    try check.rate(factor, "factor")
    try check.require(patience >= 0, Double(patience), "patience", "0 or more")
    try check.nonNegative(threshold, "threshold")
    try check.require(cooldown >= 0, Double(cooldown), "cooldown", "0 or more")
    try check.nonNegative(minimum, "end_factor")
    self.mode = mode
    self.factor = factor
    self.patience = patience
    self.threshold = threshold
    self.thresholdMode = thresholdMode
    self.cooldown = cooldown
    self.minimum = minimum
  }

  /// Takes the metric's next value; one that is not a number is no improvement.
  package mutating func observe(_ value: Double) {
    if isBetter(value) {
      best = value
      badCount = 0
    } else {
      badCount += 1
    }
    if cooldownCount > 0 {
      cooldownCount -= 1
      badCount = 0
    }
    guard badCount > patience else { return }
    multiplier = max(multiplier * factor, min(minimum, multiplier))
    cooldownCount = cooldown
    badCount = 0
  }

  private func isBetter(_ value: Double) -> Bool {
    let sign = mode == .minimum ? -1.0 : 1.0
    guard let best else { return sign * value > -.infinity }
    switch thresholdMode {
    case .relative: return sign * value > sign * best * (1 + sign * threshold)
    case .absolute: return sign * value > sign * (best + sign * threshold)
    }
  }
}

/// The options of a rate that falls where validations stop improving.
package struct ReduceOnPlateauSpec: ScheduleSpec {
  package static var word: String { "reduce_on_plateau" }

  /// The least multiplier of the rate.
  package var endFactor = 0.0
  /// The factor of the rate at each reduction.
  package var factor = 0.1
  /// Validations without improvement that are let pass.
  package var patience = 10
  /// The threshold that an improvement must exceed.
  package var threshold = 1e-4
  /// The meaning of the threshold: a fraction of the best, or a difference from it.
  package var thresholdMode = Threshold.rel
  /// Validations after a reduction that do not count.
  package var cooldown = 0
  /// The figure of a validation that counts: its loss, or what chooses the best checkpoint.
  package var monitor = Monitor.loss

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("end_factor", \.endFactor, .within(0...1), "least rate (min_lr) as a fraction of lr"),
      .init("factor", \.factor, .within(0..<1), "what the rate is multiplied by"),
      .init(
        "patience", \.patience, .atLeast(0),
        "validations without improvement that are let pass"),
      .init("threshold", \.threshold, .atLeast(0), "what an improvement must exceed"),
      .init("threshold_mode", \.thresholdMode, "threshold as a fraction of the best, or as is"),
      .init("cooldown", \.cooldown, .atLeast(0), "validations after a reduction that do not count"),
      .init(
        "monitor", \.monitor,
        "loss of a validation, or the metric that chooses the best checkpoint"),
    ]
  }

  /// The known meanings of a threshold.
  package enum Threshold: String, ConfigurationWord {
    /// A fraction of the best.
    case rel
    /// A difference from the best.
    case abs
  }

  /// The known figures of a validation.
  package enum Monitor: String, ConfigurationWord {
    /// The loss.
    case loss
    /// The metric that chooses the best checkpoint.
    case metric
  }

  /// Makes a schedule that leaves all changes to the validations.
  package func makeSchedule(over run: ScheduleSpan) -> any Schedule { ConstantSchedule() }

  /// Makes what reduces the rate after validations.
  ///
  /// - Throws: ``OptimizerError`` for values that no reduction has.
  package func makePlateauReduction() throws -> PlateauReduction? {
    try PlateauReduction(
      factor: factor, patience: patience, threshold: threshold,
      thresholdMode: thresholdMode == .abs ? .absolute : .relative, cooldown: cooldown,
      minimum: endFactor)
  }
}
