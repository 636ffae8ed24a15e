import DLConfiguration
import DLTensor
import Foundation

/// Adam that is rectified while its second moment rests on few gradients, as `torch.optim.RAdam`.
///
///     d = gradientScale * g + weightDecay * p
///     m = beta1 * m + (1 - beta1) * d
///     v = beta2 * v + (1 - beta2) * d^2
///     r_inf = 2 / (1 - beta2) - 1
///     r = r_inf - 2 * t * beta2^t / (1 - beta2^t)
///     q = sqrt((r - 4) * (r - 2) * r_inf / ((r_inf - 4) * (r_inf - 2) * r))
///     p = p - learningRate / (1 - beta1^t) * m
///           * (r > 5 ? q * sqrt(1 - beta2^t) / (sqrt(v) + epsilon) : 1)
///
/// Liu and others, "On the Variance of the Adaptive Learning Rate and Beyond" (2020), Algorithm 2.
/// State: `exp_avg` (m) and `exp_avg_sq` (v).
package struct RAdam: ChecksummingOptimizer {
  /// The moments' decay rates and epsilon.
  package let moments: AdamMoments

  /// The L2 penalty's factor, or the decay per unit of learning rate where it is decoupled.
  package let weightDecay: Double

  /// True if the weights decay as in AdamW, apart from the gradient.
  package let decoupledWeightDecay: Bool

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on rates outside `[0, 1)` and on negative factors.
  package init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0,
    decoupledWeightDecay: Bool = false
  ) throws {
    let check = HyperparameterCheck(optimizer: "radam")
    moments = try AdamMoments(beta1: beta1, beta2: beta2, epsilon: epsilon, check: check)
    try check.nonNegative(weightDecay, "weight_decay")
    self.weightDecay = weightDecay
    self.decoupledWeightDecay = decoupledWeightDecay
  }

  /// `exp_avg` and `exp_avg_sq`.
  package var stateNames: [String] { moments.stateNames }

  /// Takes one step of the rule on a slice, in one pass over memory.
  package func update(_ slice: ArenaSlice, scalars: StepScalars) {
    let correction = moments.corrections(step: scalars.step)
    let rate = scalars.learningRate / correction.first
    // Without a variance the denominator is 0 * sqrt(v) + 1.
    let factor = rectification(step: scalars.step, correction: correction.second)
    moments.update(
      slice, scalars: scalars, weightDecay: weightDecay, isDecoupled: decoupledWeightDecay,
      stepSize: rate * (factor.map { $0 * correction.second.squareRoot() } ?? 1),
      secondScale: factor == nil ? 0 : 1, epsilon: factor == nil ? 1 : moments.epsilon)
  }

  /// The factor of the adaptive rate; nil while the variance is not tractable.
  private func rectification(step: Int, correction: Double) -> Double? {
    let beta2 = moments.beta2
    let limit = 2 / (1 - beta2) - 1
    let length = limit - 2 * Double(step) * PortableMath.pow(beta2, Double(step)) / correction
    guard length > 5 else { return nil }
    return ((length - 4) * (length - 2) * limit / ((limit - 4) * (limit - 2) * length)).squareRoot()
  }
}

/// The options of RAdam.
package struct RAdamSpec: OptimizerSpec {
  package static var word: String { "radam" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.001 }

  /// True if the weights decay apart from the gradient.
  package var decoupledWeightDecay = false
  /// The decay rates of the two moments.
  package var betas = [0.9, 0.999]
  /// The term added to the denominator.
  package var eps = 1e-8

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "decoupled_weight_decay", \.decoupledWeightDecay,
        "whether the weight decay is decoupled"),
      .init("betas", \.betas, .within(0..<1).count(2), "decay rates of the moments"),
      .init("eps", \.eps, .above(0), "added to the denominator"),
    ]
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where one of `betas` is outside `[0, 1)`, or another number is
  ///   negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try RAdam(
      beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weightDecay,
      decoupledWeightDecay: decoupledWeightDecay)
  }
}
