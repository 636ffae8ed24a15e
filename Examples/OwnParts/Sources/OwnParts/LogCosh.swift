import DLTrain

/// A loss: `Σ log cosh(prediction - target)` over elements, smooth like a square near 0 and like an
/// absolute value far from it.
///
/// In YAML: `loss: log_cosh`.
struct LogCosh: LossSpec {
  static var word: String { "log_cosh" }
  static var fields: [ConfigurationField<Self>] { [] }

  func denominator(_ target: Tensor) -> Double { Double(target.count) }

  func sum(_ prediction: Tensor, _ target: Tensor) throws -> Tensor {
    let d = try prediction - target
    // log cosh d = d + softplus(-2 d) - log 2, without overflow.
    return try (d + (d * -2).softplus()).sum() - denominator(target) * 0.6931471805599453
  }
}
