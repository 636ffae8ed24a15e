import CKernels
import DLConfiguration
import DLTensor

/// Steps divided by the root of all squared gradients so far, as `torch.optim.Adagrad`.
///
///     d = gradientScale * g + weightDecay * p
///     s = s + d^2
///     p = p - learningRate / (1 + (t - 1) * learningRateDecay) * d / (sqrt(s) + epsilon)
///
/// Duchi, Hazan and Singer, "Adaptive Subgradient Methods" (2011). State: `sum` (s), in which 0
/// stands for the initial accumulator value until the first step.
package struct Adagrad: ChecksummingOptimizer {
  /// The decay of the learning rate from step to step.
  package let learningRateDecay: Double

  /// The L2 penalty's factor.
  package let weightDecay: Double

  /// The sum of squares before the first step.
  package let initialAccumulatorValue: Double

  /// The term added to the denominator.
  package let epsilon: Double

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on negative factors.
  package init(
    learningRateDecay: Double = 0, weightDecay: Double = 0, initialAccumulatorValue: Double = 0,
    epsilon: Double = 1e-10
  ) throws {
    let check = HyperparameterCheck(optimizer: "adagrad")
    try check.nonNegative(learningRateDecay, "lr_decay")
    try check.nonNegative(weightDecay, "weight_decay")
    try check.nonNegative(initialAccumulatorValue, "initial_accumulator_value")
    try check.nonNegative(epsilon, "eps")
    self.learningRateDecay = learningRateDecay
    self.weightDecay = weightDecay
    self.initialAccumulatorValue = initialAccumulatorValue
    self.epsilon = epsilon
  }

  /// `sum`.
  package var stateNames: [String] { ["sum"] }

  /// Takes one step of the rule on a slice, in one pass over memory.
  package func update(_ slice: ArenaSlice, scalars: StepScalars) {
    guard let sum = slice.state[0] else {
      preconditionFailure("adagrad: the buffer of the sum is missing")
    }
    var values = dl_adagrad_scalars(
      learning_rate: scalars.learningRate / (1 + (Double(scalars.step) - 1) * learningRateDecay),
      gradient_scale: scalars.gradientScale, weight_decay: weightDecay,
      initial: initialAccumulatorValue, epsilon: epsilon)
    dl_adagrad(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, sum, &values,
      slice.checksums)
  }
}

/// The options of Adagrad.
package struct AdagradSpec: OptimizerSpec {
  package static var word: String { "adagrad" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.01 }

  /// The term added to the denominator.
  package var eps = 1e-10
  /// The decay of the learning rate from step to step.
  package var lrDecay = 0.0
  /// The sum of squares before the first step.
  package var initialAccumulatorValue = 0.0

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("eps", \.eps, .above(0), "added to the denominator"),
      .init("lr_decay", \.lrDecay, .atLeast(0), "decay of the learning rate per step"),
      .init(
        "initial_accumulator_value", \.initialAccumulatorValue, .atLeast(0),
        "sum of squares before the first step"),
    ]
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where one of the numbers is negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try Adagrad(
      learningRateDecay: lrDecay, weightDecay: weightDecay,
      initialAccumulatorValue: initialAccumulatorValue, epsilon: eps)
  }
}
