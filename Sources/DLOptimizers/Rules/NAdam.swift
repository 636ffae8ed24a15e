import CKernels
import DLConfiguration
import DLTensor
import Foundation

/// Adam with Nesterov's momentum, as `torch.optim.NAdam`.
///
///     mu_t = beta1 * (1 - 0.96^(t * momentumDecay) / 2)
///     d = gradientScale * g + weightDecay * p
///     m = beta1 * m + (1 - beta1) * d
///     v = beta2 * v + (1 - beta2) * d^2
///     n = mu_(t+1) / (1 - mu_1 ... mu_(t+1)) * m + (1 - mu_t) / (1 - mu_1 ... mu_t) * d
///     p = p - learningRate * n / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
///
/// Dozat, "Incorporating Nesterov Momentum into Adam" (2016), Algorithm 2. State: `exp_avg` (m) and
/// `exp_avg_sq` (v). PyTorch keeps the product of mu in its state; here it follows from the step.
package struct NAdam: ChecksummingOptimizer {
  /// The moments' decay rates and epsilon.
  package let moments: AdamMoments

  /// The L2 penalty's factor, or the decay per unit of learning rate where it is decoupled.
  package let weightDecay: Double

  /// True if the weights decay as in AdamW, apart from the gradient.
  package let decoupledWeightDecay: Bool

  /// The rate at which mu grows from half of beta1 to beta1.
  package let momentumDecay: Double

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on rates outside `[0, 1)` and on negative factors.
  package init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0,
    momentumDecay: Double = 0.004, decoupledWeightDecay: Bool = false
  ) throws {
    let check = HyperparameterCheck(optimizer: "nadam")
    moments = try AdamMoments(beta1: beta1, beta2: beta2, epsilon: epsilon, check: check)
    try check.nonNegative(weightDecay, "weight_decay")
    try check.nonNegative(momentumDecay, "momentum_decay")
    self.weightDecay = weightDecay
    self.momentumDecay = momentumDecay
    self.decoupledWeightDecay = decoupledWeightDecay
  }

  /// `exp_avg` and `exp_avg_sq`.
  package var stateNames: [String] { moments.stateNames }

  /// Takes one step of the rule on a slice, in one pass over memory.
  package func update(_ slice: ArenaSlice, scalars: StepScalars) {
    let (first, second) = moments.buffers(slice)
    let now = momentum(Double(scalars.step))
    let next = momentum(Double(scalars.step) + 1)
    let product = momentumProduct(step: scalars.step)
    let rate = scalars.learningRate
    var values = dl_nadam_scalars(
      gradient_scale: scalars.gradientScale, l2: decoupledWeightDecay ? 0 : weightDecay,
      decay: decoupledWeightDecay ? 1 - rate * weightDecay : 1, beta1: moments.beta1,
      beta2: moments.beta2,
      gradient_rate: rate * (1 - now) / (1 - product),
      moment_rate: rate * next / (1 - product * next),
      second_scale: 1 / moments.corrections(step: scalars.step).second.squareRoot(),
      epsilon: moments.epsilon)
    dl_nadam(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, first, second, &values,
      slice.checksums)
  }

  private func momentum(_ step: Double) -> Double {
    moments.beta1 * (1 - 0.5 * PortableMath.pow(0.96, step * momentumDecay))
  }

  /// `mu_1 ... mu_t`, to the precision of 1 minus it.
  ///
  /// The factors are halves at first and become constant, so few of them are multiplied: within
  /// some 60 the product counts no more, unless mu is soon equal to beta1.
  private func momentumProduct(step: Int) -> Double {
    var product = 1.0
    var count = 0
    while count < step, product > 0x1p-60 {
      let factor = momentum(Double(count + 1))
      if factor == moments.beta1 { return product * PortableMath.pow(factor, Double(step - count)) }
      product *= factor
      count += 1
    }
    return product
  }
}

/// The options of NAdam.
package struct NAdamSpec: OptimizerSpec {
  package static var word: String { "nadam" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.002 }

  /// True if the weights decay apart from the gradient.
  package var decoupledWeightDecay = false
  /// The decay rates of the two moments.
  package var betas = [0.9, 0.999]
  /// The term added to the denominator.
  package var eps = 1e-8
  /// The rate at which the momentum grows toward its decay rate.
  package var momentumDecay = 0.004

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "decoupled_weight_decay", \.decoupledWeightDecay,
        "whether the weight decay is decoupled"),
      .init("betas", \.betas, .within(0..<1).count(2), "decay rates of the moments"),
      .init("eps", \.eps, .above(0), "added to the denominator"),
      .init("momentum_decay", \.momentumDecay, .atLeast(0), "growth of the momentum"),
    ]
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where one of `betas` is outside `[0, 1)`, or another number is
  ///   negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try NAdam(
      beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weightDecay,
      momentumDecay: momentumDecay, decoupledWeightDecay: decoupledWeightDecay)
  }
}
