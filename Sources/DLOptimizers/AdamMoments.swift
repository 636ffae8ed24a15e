import CKernels
import DLTensor
import Foundation

/// What Adam and AdamW share: the two moments and their bias corrections.
///
///     m = beta1 * m + (1 - beta1) * d
///     v = beta2 * v + (1 - beta2) * d^2
///     p = p - learningRate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
struct AdamMoments: Sendable, Hashable {
  static let stateNames = ["exp_avg", "exp_avg_sq"]

  let beta1: Double
  let beta2: Double
  let epsilon: Double

  init(beta1: Double, beta2: Double, epsilon: Double, check: HyperparameterCheck) throws {
    try check.rate(beta1, "beta1")
    try check.rate(beta2, "beta2")
    try check.nonNegative(epsilon, "epsilon")
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
  }

  /// Updates a slice with `d = gradientScale * g + l2 * p`, `p` being multiplied by `decay` after.
  func update(_ slice: ArenaSlice, scalars: StepScalars, l2: Double, decay: Double) {
    guard let first = slice.state[0], let second = slice.state[1] else {
      preconditionFailure("adam: a moment buffer is missing")
    }
    let step = Double(scalars.step)
    var values = dl_adam_scalars(
      gradient_scale: scalars.gradientScale, l2: l2, decay: decay, beta1: beta1, beta2: beta2,
      step_size: scalars.learningRate / (1 - pow(beta1, step)),
      second_scale: 1 / (1 - pow(beta2, step)).squareRoot(), epsilon: epsilon)
    dl_adam(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, first, second, &values)
  }
}
