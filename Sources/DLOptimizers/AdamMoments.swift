import CKernels
import DLTensor
import Foundation

/// The two moments that Adam, AdamW, NAdam and RAdam share.
///
///     m = beta1 * m + (1 - beta1) * d
///     v = beta2 * v + (1 - beta2) * d^2
struct AdamMoments: Sendable, Hashable {
  let beta1: Double
  let beta2: Double
  let epsilon: Double
  let amsgrad: Bool

  init(
    beta1: Double, beta2: Double, epsilon: Double, amsgrad: Bool = false,
    check: HyperparameterCheck
  ) throws {
    try check.rate(beta1, "beta1")
    try check.rate(beta2, "beta2")
    try check.nonNegative(epsilon, "epsilon")
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.amsgrad = amsgrad
  }

  var stateNames: [String] { ["exp_avg", "exp_avg_sq"] + (amsgrad ? ["max_exp_avg_sq"] : []) }

  /// `1 - beta1^t` and `1 - beta2^t`, the weights of all gradients so far in m and v.
  func corrections(step: Int) -> (first: Double, second: Double) {
    (1 - pow(beta1, Double(step)), 1 - pow(beta2, Double(step)))
  }

  /// Adam's step: `d = gradientScale * g + l2 * p`, and `p` is multiplied by `decay` after.
  func update(_ slice: ArenaSlice, scalars: StepScalars, l2: Double, decay: Double) {
    let correction = corrections(step: scalars.step)
    update(
      slice, gradientScale: scalars.gradientScale, l2: l2, decay: decay,
      stepSize: scalars.learningRate / correction.first,
      secondScale: 1 / correction.second.squareRoot(), epsilon: epsilon)
  }

  /// `p = decay * p - stepSize * m / (secondScale * sqrt(v) + epsilon)`.
  func update(
    _ slice: ArenaSlice, gradientScale: Double, l2: Double, decay: Double, stepSize: Double,
    secondScale: Double, epsilon: Double
  ) {
    let (first, second) = buffers(slice)
    let largest = amsgrad ? slice.state[2] : nil
    precondition(!amsgrad || largest != nil, "adam: the buffer of the largest moment is missing")
    var values = dl_adam_scalars(
      gradient_scale: gradientScale, l2: l2, decay: decay, beta1: beta1, beta2: beta2,
      step_size: stepSize, second_scale: secondScale, epsilon: epsilon)
    dl_adam(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, first, second, largest,
      &values)
  }

  /// The moments' buffers.
  func buffers(
    _ slice: ArenaSlice
  ) -> (first: UnsafeMutableRawPointer, second: UnsafeMutableRawPointer) {
    guard let first = slice.state[0], let second = slice.state[1] else {
      preconditionFailure("adam: a moment buffer is missing")
    }
    return (first, second)
  }
}
