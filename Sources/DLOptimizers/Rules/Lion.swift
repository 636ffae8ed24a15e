import CKernels
import DLConfiguration
import DLTensor

/// Evolved sign momentum with decoupled weight decay.
///
///     d = gradientScale * g
///     p = p * (1 - learningRate * weightDecay) - learningRate * sign(beta1 * m + (1 - beta1) * d)
///     m = beta2 * m + (1 - beta2) * d
///
/// Chen and others, "Symbolic Discovery of Optimization Algorithms" (2023), Algorithm 2; PyTorch has
/// no counterpart. State: `exp_avg` (m).
package struct Lion: ChecksummingOptimizer {
  /// The weight of the momentum in the direction of a step.
  package let beta1: Double

  /// The decay rate of the momentum.
  package let beta2: Double

  /// The decay of a parameter per unit of learning rate.
  package let weightDecay: Double

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on rates outside `[0, 1)` and on a negative decay.
  package init(beta1: Double = 0.9, beta2: Double = 0.99, weightDecay: Double = 0) throws {
    let check = HyperparameterCheck(optimizer: "lion")
    try check.rate(beta1, "beta1")
    try check.rate(beta2, "beta2")
    try check.nonNegative(weightDecay, "weight_decay")
    self.beta1 = beta1
    self.beta2 = beta2
    self.weightDecay = weightDecay
  }

  /// `exp_avg`.
  package var stateNames: [String] { ["exp_avg"] }

  /// Takes one step of the rule on a slice, in one pass over memory.
  package func update(_ slice: ArenaSlice, scalars: StepScalars) {
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

/// The options of Lion.
package struct LionSpec: OptimizerSpec {
  package static var word: String { "lion" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.0001 }

  /// The decay rates of the two moments.
  package var betas = [0.9, 0.99]

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("betas", \.betas, .within(0..<1).count(2), "decay rates of the moments")
    ]
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where one of `betas` is outside `[0, 1)`, or the weight decay
  ///   negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try Lion(beta1: betas[0], beta2: betas[1], weightDecay: weightDecay)
  }
}
