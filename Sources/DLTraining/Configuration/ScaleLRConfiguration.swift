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
