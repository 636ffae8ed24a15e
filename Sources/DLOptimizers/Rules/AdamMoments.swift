import CKernels
import DLTensor
import Foundation

/// The two moments that Adam, NAdam, RAdam and LAMB share.
///
///     m = beta1 * m + (1 - beta1) * d
///     v = beta2 * v + (1 - beta2) * d^2
package struct AdamMoments: Sendable, Hashable {
  /// The decay rate of the first moment.
  package let beta1: Double

  /// The decay rate of the second moment.
  package let beta2: Double

  /// The term added to the denominator.
  package let epsilon: Double

  /// True if the largest second moment so far takes the place of the present one.
  package let amsgrad: Bool

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
    (1 - PortableMath.pow(beta1, Double(step)), 1 - PortableMath.pow(beta2, Double(step)))
  }

  /// `p = p - stepSize * m / (secondScale * sqrt(v) + epsilon)`, the weights decaying before it or
  /// as a part of the gradient.
  func update(
    _ slice: ArenaSlice, scalars: StepScalars, weightDecay: Double, isDecoupled: Bool,
    stepSize: Double, secondScale: Double, epsilon: Double
  ) {
    let (first, second) = buffers(slice)
    let largest = amsgrad ? slice.state[2] : nil
    precondition(!amsgrad || largest != nil, "adam: the buffer of the largest moment is missing")
    var values = dl_adam_scalars(
      gradient_scale: scalars.gradientScale, l2: isDecoupled ? 0 : weightDecay,
      decay: isDecoupled ? 1 - scalars.learningRate * weightDecay : 1, beta1: beta1, beta2: beta2,
      step_size: stepSize, second_scale: secondScale, epsilon: epsilon)
    dl_adam(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, first, second, largest,
      &values, slice.checksums)
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
