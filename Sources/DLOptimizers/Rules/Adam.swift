import DLConfiguration

/// Adam, and with decoupled weight decay AdamW, as `torch.optim.Adam` and `torch.optim.AdamW`.
///
///     d = gradientScale * g + weightDecay * p          AdamW: d = gradientScale * g
///                                                             p = p * (1 - learningRate * weightDecay)
///     m = beta1 * m + (1 - beta1) * d
///     v = beta2 * v + (1 - beta2) * d^2
///     p = p - learningRate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
///
/// Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), Algorithm 1; Loshchilov and
/// Hutter, "Decoupled Weight Decay Regularization" (2019), Algorithm 2. The bias corrections are
/// computed in double. State: `exp_avg` (m) and `exp_avg_sq` (v); with AMSGrad (Reddi and others,
/// 2018) `max_exp_avg_sq`, the largest v so far, which then replaces v in the last line.
package struct Adam: ChecksummingOptimizer {
  /// The moments' decay rates, epsilon, and whether AMSGrad is on.
  package let moments: AdamMoments

  /// The L2 penalty's factor, or the decay per unit of learning rate where it is decoupled.
  package let weightDecay: Double

  /// True if the weights decay apart from the gradient, as in AdamW.
  package let decoupledWeightDecay: Bool

  /// Makes the rule with its hyperparameters.
  ///
  /// PyTorch's AdamW decays by 0.01 unless told otherwise; here the decay is always given.
  ///
  /// - Throws: `OptimizerError` on rates outside `[0, 1)` and on negative factors.
  package init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0,
    amsgrad: Bool = false, decoupledWeightDecay: Bool = false
  ) throws {
    let check = HyperparameterCheck(optimizer: decoupledWeightDecay ? "adamw" : "adam")
    moments = try AdamMoments(
      beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, check: check)
    try check.nonNegative(weightDecay, "weight_decay")
    self.weightDecay = weightDecay
    self.decoupledWeightDecay = decoupledWeightDecay
  }

  /// `exp_avg`, `exp_avg_sq` and, with AMSGrad, `max_exp_avg_sq`.
  package var stateNames: [String] { moments.stateNames }

  /// Takes one step of the rule on a slice, in one pass over memory.
  package func update(_ slice: ArenaSlice, scalars: StepScalars) {
    let correction = moments.corrections(step: scalars.step)
    moments.update(
      slice, scalars: scalars, weightDecay: weightDecay, isDecoupled: decoupledWeightDecay,
      stepSize: scalars.learningRate / correction.first,
      secondScale: 1 / correction.second.squareRoot(), epsilon: moments.epsilon)
  }
}

/// The form of weight decay that tells Adam from AdamW.
package protocol AdamDecay: Sendable {
  /// The name of the optimizer as written in `optimizer`.
  static var word: String { get }
  /// The weight decay unless another is given.
  static var weightDecay: Double { get }
  /// True if the weights decay apart from the gradient.
  static var isDecoupled: Bool { get }
}

/// Adam's weight decay, which joins the gradient.
package enum CoupledDecay: AdamDecay {
  package static var word: String { "adam" }
  /// No weight decay unless one is given.
  package static var weightDecay: Double { 0 }
  /// The decay joins the gradient.
  package static var isDecoupled: Bool { false }
}

/// AdamW's weight decay, apart from the gradient.
package enum DecoupledDecay: AdamDecay {
  package static var word: String { "adamw" }
  /// The weight decay unless another is given, which is PyTorch's.
  package static var weightDecay: Double { 0.01 }
  /// The weights decay apart from the gradient.
  package static var isDecoupled: Bool { true }
}

/// The options of Adam.
package typealias AdamSpec = AdamOptions<CoupledDecay>

/// The options of AdamW.
package typealias AdamWSpec = AdamOptions<DecoupledDecay>

/// The options that Adam and AdamW share.
package struct AdamOptions<Decay: AdamDecay>: OptimizerSpec {
  package static var word: String { Decay.word }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.001 }
  /// The weight decay unless another is given.
  package static var weightDecay: Double { Decay.weightDecay }

  /// The decay rates of the two moments.
  package var betas = [0.9, 0.999]
  /// The term added to the denominator.
  package var eps = 1e-8
  /// True if the largest second moment so far takes the place of the present one.
  package var amsgrad = false

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("betas", \.betas, .within(0..<1).count(2), "decay rates of the moments"),
      .init("eps", \.eps, .above(0), "added to the denominator"),
      .init("amsgrad", \.amsgrad, "whether the largest second moment so far counts"),
    ]
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where one of `betas` is outside `[0, 1)`, or another number is
  ///   negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try Adam(
      beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weightDecay, amsgrad: amsgrad,
      decoupledWeightDecay: Decay.isDecoupled)
  }
}
