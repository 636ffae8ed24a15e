import CKernels
import DLConfiguration
import DLTensor

/// Stochastic gradient descent with momentum, as `torch.optim.SGD`.
///
///     d = gradientScale * g + weightDecay * p
///     b = momentum * b + (1 - dampening) * d
///     p = p - learningRate * (nesterov ? d + momentum * b : b)
///
/// The buffer starts at zero and takes the gradient of step 1 undamped, as in PyTorch. Without
/// momentum `p = p - learningRate * d`, and there is no state.
package struct SGD: ChecksummingOptimizer {
  /// The decay rate of the momentum buffer.
  package let momentum: Double

  /// The part of a gradient that does not enter the momentum buffer.
  package let dampening: Double

  /// The L2 penalty's factor.
  package let weightDecay: Double

  /// True if the step looks ahead along the momentum (Sutskever and others, 2013).
  package let nesterov: Bool

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on negative factors, and on Nesterov without momentum or with
  ///   dampening.
  package init(
    momentum: Double = 0, dampening: Double = 0, weightDecay: Double = 0, nesterov: Bool = false
  ) throws {
    let check = HyperparameterCheck(optimizer: "sgd")
    try check.nonNegative(momentum, "momentum")
    try check.require(dampening.isFinite, dampening, "dampening", "a finite number")
    try check.nonNegative(weightDecay, "weight_decay")
    try check.require(
      !nesterov || momentum > 0, momentum, "momentum", "more than 0 where nesterov is set")
    try check.require(
      !nesterov || dampening == 0, dampening, "dampening", "0 where nesterov is set")
    self.momentum = momentum
    self.dampening = dampening
    self.weightDecay = weightDecay
    self.nesterov = nesterov
  }

  /// `momentum_buffer` where there is momentum.
  package var stateNames: [String] { momentum == 0 ? [] : ["momentum_buffer"] }

  /// Takes one step of the rule on a slice, in one pass over memory.
  package func update(_ slice: ArenaSlice, scalars: StepScalars) {
    precondition(momentum == 0 || slice.state[0] != nil, "sgd: the momentum buffer is missing")
    var values = dl_sgd_scalars(
      learning_rate: scalars.learningRate, gradient_scale: scalars.gradientScale,
      weight_decay: weightDecay, momentum: momentum, intake: scalars.step == 1 ? 1 : 1 - dampening,
      nesterov: nesterov ? 1 : 0)
    dl_sgd(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, slice.state[0], &values,
      slice.checksums)
  }
}

/// The options of stochastic gradient descent.
package struct SGDSpec: OptimizerSpec {
  package static var word: String { "sgd" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.01 }

  /// The decay rate of the momentum buffer.
  package var momentum = 0.0
  /// The part of a gradient that does not enter the momentum buffer.
  package var dampening = 0.0
  /// True if the step looks ahead along the momentum.
  package var nesterov = false

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("momentum", \.momentum, .within(0..<1), "decay rate of the momentum"),
      .init("dampening", \.dampening, .within(0...1), "part of a gradient that the momentum omits"),
      .init("nesterov", \.nesterov, "whether the step looks ahead (Nesterov)"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    guard nesterov else { return [] }
    var problems: [ConfigurationProblem] = []
    if momentum == 0 {
      problems.append(.init("nesterov", "momentum", message: "needs a momentum above 0"))
    }
    if dampening != 0 {
      problems.append(.init("nesterov", "dampening", message: "needs a dampening of 0"))
    }
    return problems
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where `momentum` or the weight decay is negative, or `nesterov` is
  ///   set without momentum or with dampening.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try SGD(
      momentum: momentum, dampening: dampening, weightDecay: weightDecay, nesterov: nesterov)
  }
}
