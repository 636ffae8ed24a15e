import CKernels
import DLConfiguration
import DLTensor

/// Momentum with a learning rate per tensor, for large batches.
///
///     d = gradientScale * g
///     r = trustCoefficient * |p| / (|d| + weightDecay * |p| + epsilon)
///     b = momentum * b + learningRate * r * (d + weightDecay * p)
///     p = p - b
///
/// You, Gitman and Ginsburg, "Large Batch Training of Convolutional Networks" (2017), Algorithm 1,
/// where epsilon is 0; PyTorch has no counterpart. Norms are Euclidean, over each whole tensor; r is
/// 1 where either norm is 0. State: `momentum_buffer` (b) where there is momentum; it holds steps, so
/// a change of the learning rate takes effect gradually.
package struct LARS: TensorNormOptimizer {
  /// The decay rate of the momentum buffer.
  package let momentum: Double

  /// The L2 penalty's factor.
  package let weightDecay: Double

  /// The ratio of a step's norm to that of its tensor, per unit of learning rate.
  package let trustCoefficient: Double

  /// The term added to the denominator.
  package let epsilon: Double

  /// True if the rate is one per tensor; without it r is 1.
  package let adapts: Bool

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on negative factors.
  package init(
    momentum: Double = 0.9, weightDecay: Double = 0, trustCoefficient: Double = 0.001,
    epsilon: Double = 1e-8, adapts: Bool = true
  ) throws {
    let check = HyperparameterCheck(optimizer: "lars")
    try check.nonNegative(momentum, "momentum")
    try check.nonNegative(weightDecay, "weight_decay")
    try check.nonNegative(trustCoefficient, "trust_coefficient")
    try check.nonNegative(epsilon, "eps")
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.trustCoefficient = trustCoefficient
    self.epsilon = epsilon
    self.adapts = adapts
  }

  /// `momentum_buffer` where there is momentum.
  package var stateNames: [String] { momentum == 0 ? [] : ["momentum_buffer"] }

  /// The sums of p² and of d² over a range.
  package func accumulate(_ slice: ArenaSlice, scalars: StepScalars) -> SquareSums {
    guard adapts else { return SquareSums() }
    let count = slice.count
    let gradients = dl_dot(slice.dtype.kernel, slice.gradients, slice.gradients, count)
    return SquareSums(
      parameters: dl_dot(slice.dtype.kernel, slice.parameters, slice.parameters, count),
      updates: gradients * scalars.gradientScale * scalars.gradientScale)
  }

  /// Takes the step on a range of a tensor with these sums.
  package func apply(_ slice: ArenaSlice, scalars: StepScalars, sums: SquareSums) {
    precondition(momentum == 0 || slice.state[0] != nil, "lars: the momentum buffer is missing")
    var values = dl_lars_scalars(
      rate: scalars.learningRate * trustRatio(sums), gradient_scale: scalars.gradientScale,
      weight_decay: weightDecay, momentum: momentum)
    dl_lars(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients,
      momentum == 0 ? nil : slice.state[0], &values)
  }

  /// The factor r of a tensor.
  func trustRatio(_ sums: SquareSums) -> Double {
    let weight = sums.parameters.squareRoot()
    let gradient = sums.updates.squareRoot()
    guard adapts, weight > 0, gradient > 0 else { return 1 }
    return trustCoefficient * weight / (gradient + weightDecay * weight + epsilon)
  }
}

/// The options of LARS.
package struct LARSSpec: OptimizerSpec {
  package static var word: String { "lars" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.1 }

  /// The decay rate of the momentum buffer.
  package var momentum = 0.9
  /// The term added to the denominator.
  package var eps = 1e-8
  /// The norm of a step over that of its tensor, per unit of learning rate.
  package var trustCoefficient = 0.001

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("momentum", \.momentum, .within(0..<1), "decay rate of the momentum"),
      .init("eps", \.eps, .above(0), "added to the denominator"),
      .init(
        "trust_coefficient", \.trustCoefficient, .above(0),
        "norm of a step over that of its tensor, per unit of learning rate"),
    ]
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where one of the numbers is negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try LARS(
      momentum: momentum, weightDecay: weightDecay, trustCoefficient: trustCoefficient,
      epsilon: eps, adapts: adapts)
  }
}
