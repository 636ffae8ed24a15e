import CKernels
import DLConfiguration
import DLTensor

/// Steps divided by the root of a mean of squared gradients, as `torch.optim.RMSprop`.
///
///     d = gradientScale * g + weightDecay * p
///     v = alpha * v + (1 - alpha) * d^2
///     a = alpha * a + (1 - alpha) * d                       where centered, else a = 0
///     b = momentum * b + d / (sqrt(v - a^2) + epsilon)
///     p = p - learningRate * b
///
/// Tieleman and Hinton, Lecture 6.5 (2012); centered as in Graves, "Generating Sequences With
/// Recurrent Neural Networks" (2013), equations 38 to 41. State: `square_avg` (v),
/// `momentum_buffer` (b) where there is momentum, `grad_avg` (a) where centered. A variance that
/// rounds below zero counts as zero, where PyTorch takes its root.
package struct RMSProp: ChecksummingOptimizer {
  /// The decay rate of the means.
  package let alpha: Double

  /// The term added to the denominator.
  package let epsilon: Double

  /// The L2 penalty's factor.
  package let weightDecay: Double

  /// The decay rate of the momentum buffer.
  package let momentum: Double

  /// True if the variance of the gradient takes the place of its mean square.
  package let centered: Bool

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on a rate outside `[0, 1)` and on negative factors.
  package init(
    alpha: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0, momentum: Double = 0,
    centered: Bool = false
  ) throws {
    let check = HyperparameterCheck(optimizer: "rmsprop")
    try check.rate(alpha, "alpha")
    try check.nonNegative(epsilon, "eps")
    try check.nonNegative(weightDecay, "weight_decay")
    try check.nonNegative(momentum, "momentum")
    self.alpha = alpha
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.momentum = momentum
    self.centered = centered
  }

  /// `square_avg`, `momentum_buffer` where there is momentum, `grad_avg` where centered.
  package var stateNames: [String] {
    ["square_avg"] + (momentum == 0 ? [] : ["momentum_buffer"]) + (centered ? ["grad_avg"] : [])
  }

  /// Takes one step of the rule on a slice, in one pass over memory.
  package func update(_ slice: ArenaSlice, scalars: StepScalars) {
    let buffer = momentum == 0 ? nil : slice.state[1]
    let mean = centered ? slice.state[momentum == 0 ? 1 : 2] : nil
    guard let squares = slice.state[0], (buffer != nil) == (momentum != 0),
      (mean != nil) == centered
    else { preconditionFailure("rmsprop: a state buffer is missing") }
    var values = dl_rmsprop_scalars(
      learning_rate: scalars.learningRate, gradient_scale: scalars.gradientScale,
      weight_decay: weightDecay, alpha: alpha, momentum: momentum, epsilon: epsilon)
    dl_rmsprop(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, squares, buffer, mean,
      &values, slice.checksums)
  }
}

/// The options of RMSProp.
package struct RMSPropSpec: OptimizerSpec {
  package static var word: String { "rmsprop" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.01 }

  /// The decay rate of the momentum buffer.
  package var momentum = 0.0
  /// The term added to the denominator.
  package var eps = 1e-8
  /// The decay rate of the means.
  package var alpha = 0.99
  /// True if the variance of the gradient takes the place of its mean square.
  package var centered = false

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("momentum", \.momentum, .within(0..<1), "decay rate of the momentum"),
      .init("eps", \.eps, .above(0), "added to the denominator"),
      .init("alpha", \.alpha, .within(0..<1), "decay rate of the means"),
      .init("centered", \.centered, "whether the variance takes the place of the mean square"),
    ]
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where `alpha` is outside `[0, 1)`, or another number is negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try RMSProp(
      alpha: alpha, epsilon: eps, weightDecay: weightDecay, momentum: momentum, centered: centered)
  }
}
