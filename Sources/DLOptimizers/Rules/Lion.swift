import CKernels
import DLTensor

/// Evolved sign momentum with decoupled weight decay.
///
///     d = gradientScale * g
///     p = p * (1 - learningRate * weightDecay) - learningRate * sign(beta1 * m + (1 - beta1) * d)
///     m = beta2 * m + (1 - beta2) * d
///
/// Chen and others, "Symbolic Discovery of Optimization Algorithms" (2023), Algorithm 2; PyTorch has
/// no counterpart. State: `exp_avg` (m).
public struct Lion: ChecksummingOptimizer {
  /// The weight of the momentum in the direction of a step.
  public let beta1: Double

  /// The decay rate of the momentum.
  public let beta2: Double

  /// The decay of a parameter per unit of learning rate.
  public let weightDecay: Double

  /// Throws an `OptimizerError` on rates outside `[0, 1)` and on a negative decay.
  public init(beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0) throws {
    let check = HyperparameterCheck(optimizer: "lion")
    try check.rate(beta1, "beta1")
    try check.rate(beta2, "beta2")
    try check.nonNegative(weightDecay, "weight_decay")
    self.beta1 = beta1
    self.beta2 = beta2
    self.weightDecay = weightDecay
  }

  /// `lion`.
  public var name: String { "lion" }

  /// `exp_avg`.
  public var stateNames: [String] { ["exp_avg"] }

  /// Takes one step of the rule on a slice, in one pass over memory.
  public func update(_ slice: ArenaSlice, scalars: StepScalars) {
    guard let momentum = slice.state[0] else {
      preconditionFailure("lion: the momentum buffer is missing")
    }
    var values = dl_lion_scalars(
      learning_rate: scalars.learningRate, gradient_scale: scalars.gradientScale,
      decay: 1 - scalars.learningRate * weightDecay, beta1: beta1, beta2: beta2)
    dl_lion(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, momentum, &values,
      slice.checksums)
  }
}
