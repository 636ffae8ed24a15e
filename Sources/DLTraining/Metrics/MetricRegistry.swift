import DLConfiguration

/// The metrics that a configuration can name.
public enum MetricRegistry {
  /// The metrics of dltrain: a new one adds its line here.
  package static let builtIn: [any MetricSpec.Type] = [
    Accuracy.self,
    ExactMatch.self,
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
    LabelErrorRate.self,
    FrechetMetric.self,
    Divergence.self,
    ExpectedCalibrationError.self,
    CohenKappa.self,
    MeanAveragePrecision.self,
    MeanIoU.self,
  ]

  private static let registry = TypeRegistry("metric", builtIn) { ($0.word, $0) }

  /// All metrics, a program's own after those of dltrain.
  package static var all: [any MetricSpec.Type] { registry.all }

  /// Makes a metric of a program's own known to every configuration that is read from now on.
  ///
  /// - Throws: `RegistryError` where another type has the same name.
  public static func register(_ type: any MetricSpec.Type) throws { try registry.register(type) }
}
