import DLTensor

/// Adam with decoupled weight decay, as `torch.optim.AdamW`.
///
///     d = gradientScale * g
///     p = p * (1 - learningRate * weightDecay)
///     m = beta1 * m + (1 - beta1) * d
///     v = beta2 * v + (1 - beta2) * d^2
///     p = p - learningRate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
///
/// Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (2019), Algorithm 2; the bias
/// corrections are computed in double. State: `exp_avg` (m) and `exp_avg_sq` (v); with AMSGrad
/// (Reddi and others, 2018) `max_exp_avg_sq`, the largest v so far, which then replaces v in the last
/// line.
public struct AdamW: Optimizer {
  private let moments: AdamMoments

  /// The decay of a parameter per unit of learning rate.
  public let weightDecay: Double

  /// The decay rate of the first moment.
  public var beta1: Double { moments.beta1 }

  /// The decay rate of the second moment.
  public var beta2: Double { moments.beta2 }

  /// The term added to the denominator.
  public var epsilon: Double { moments.epsilon }

  /// Whether the largest second moment so far takes the place of the present one.
  public var amsgrad: Bool { moments.amsgrad }

  /// Throws an `OptimizerError` on rates outside `[0, 1)` and on negative factors.
  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01,
    amsgrad: Bool = false
  ) throws {
    let check = HyperparameterCheck(optimizer: "adamw")
    moments = try AdamMoments(
      beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad, check: check)
    try check.nonNegative(weightDecay, "weight_decay")
    self.weightDecay = weightDecay
  }

  /// `adamw`.
  public var name: String { "adamw" }

  /// `exp_avg`, `exp_avg_sq` and, with AMSGrad, `max_exp_avg_sq`.
  public var stateNames: [String] { moments.stateNames }

  /// Takes one step of the rule on a slice, in one pass over memory.
  public func update(_ slice: ArenaSlice, scalars: StepScalars) {
    moments.update(slice, scalars: scalars, l2: 0, decay: 1 - scalars.learningRate * weightDecay)
  }
}
