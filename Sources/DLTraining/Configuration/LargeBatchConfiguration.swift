import DLConfiguration
import DLCore
import DLOptimizers

/// Learning rates that grow with the batch.
///
/// Goyal and others (2017), section 2.1. Nothing scales a rate unless this section is there.
package struct ScaleLRConfiguration: ConfigurationSection {
  /// The rows per step that the rates are written for.
  package var baseBatch = 256

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [.init("base_batch", \.baseBatch, .atLeast(1), "rows per step that the rates are written for")]
  }
}

/// Steps that each rank makes by itself, with the weights averaged from time to time.
///
/// Stich, "Local SGD Converges Fast and Communicates Little" (2019); with a start behind synchronous
/// steps: Lin and others, "Don't Use Large Mini-Batches, Use Local SGD" (2020), section 4.
package struct LocalSGDConfiguration: ConfigurationSection {
  /// Steps between two averagings.
  package var period = 8
  /// Epochs of synchronous steps before the first local one.
  package var startEpochs: Double?
  /// Steps before the first local one, instead of epochs; 0 unless either is given.
  package var startSteps: Int?

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("period", \.period, .within(1...1_000_000), "steps between two averagings"),
      .init(
        "start_epochs", \.startEpochs, .within(0...1e9), "epochs of synchronous steps before"),
      .init(
        "start_steps", \.startSteps, .atLeast(0),
        "synchronous steps before, instead of epochs; 0 where neither is given"),
    ]
  }

  /// The start is given in one unit.
  package static var alternatives: [[String]] { [["start_epochs", "start_steps"]] }

  package func problems() -> [ConfigurationProblem] {
    guard startEpochs != nil, startSteps != nil else { return [] }
    return [
      .init("start_steps", "start_epochs", message: "give either start_steps or start_epochs")
    ]
  }
}

extension Configuration {
  /// The factor of every learning rate for the size of the batch; 1 unless the
  /// configuration asks for it.
  package var batchRateFactor: Double {
    scaleLR.map { Double(batchSize) / Double($0.baseBatch) } ?? 1
  }

  /// The text behind a rate as it is written, where it is scaled.
  package var rateFactorText: String {
    scaleLR == nil ? "" : " times \(Format.significant(batchRateFactor, 6)) by scale_lr"
  }

  /// A line on how rates are scaled; nil where they are not.
  var rateScaling: String? {
    guard let scaleLR else { return nil }
    let factor = Format.significant(batchRateFactor, 6)
    return "scale_lr multiplies the learning rates by \(factor), batch_size \(batchSize) over "
      + "base_batch \(scaleLR.baseBatch): \(Format.significant(optimizer.lr, 6)) becomes "
      + Format.significant(optimizer.lr * batchRateFactor, 6)
  }
}
