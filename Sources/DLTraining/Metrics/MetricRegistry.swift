import DLCluster
import DLCore

/// The metrics that a configuration can name.
public enum MetricRegistry {
  /// The metrics of dltrain: a new one adds its line here.
  public static let builtin: [any MetricSpec.Type] = [
    Accuracy.self,
    TopK.self,
    Precision.self,
    Recall.self,
    F1.self,
    ConfusionMatrix.self,
    ROCArea.self,
    PRArea.self,
    Perplexity.self,
    MAE.self,
    RMSE.self,
    R2.self,
    BLEUMetric.self,
    FrechetMetric.self,
    ExpectedCalibrationError.self,
    CohenKappa.self,
  ]

  private static let own = Monitor<[any MetricSpec.Type]>([])

  /// Adds a metric of a program's own, before configurations are read; one of the same word takes
  /// the place of the one before.
  public static func register(_ metric: any MetricSpec.Type) {
    own.withLock { list in
      list.removeAll { $0.word == metric.word }
      list.append(metric)
    }
  }

  /// All metrics, those of the program first.
  static var all: [any MetricSpec.Type] {
    let own = own.withLock { $0 }
    return own + builtin.filter { type in !own.contains { $0.word == type.word } }
  }
}
