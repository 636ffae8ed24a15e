import CKernels
import DLTensor

/// Stochastic gradient descent with momentum, as `torch.optim.SGD`.
///
///     d = gradientScale * g + weightDecay * p
///     b = momentum * b + d
///     p = p - learningRate * (nesterov ? d + momentum * b : b)
///
/// The buffer starts at zero, which makes the first one the gradient, as in PyTorch. Without
/// momentum `p = p - learningRate * d`, and there is no state.
public struct SGD: Optimizer {
  /// The decay rate of the momentum buffer.
  public let momentum: Double

  /// The L2 penalty's factor.
  public let weightDecay: Double

  /// Whether the step looks ahead along the momentum (Sutskever and others, 2013).
  public let nesterov: Bool

  /// Throws an `OptimizerError` on negative factors, and on Nesterov without momentum.
  public init(momentum: Double = 0, weightDecay: Double = 0, nesterov: Bool = false) throws {
    let check = HyperparameterCheck(optimizer: "sgd")
    try check.nonNegative(momentum, "momentum")
    try check.nonNegative(weightDecay, "weight_decay")
    try check.require(
      !nesterov || momentum > 0, momentum, "momentum", "more than 0 where nesterov is set")
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.nesterov = nesterov
  }

  /// `sgd`.
  public var name: String { "sgd" }

  /// `momentum_buffer` where there is momentum.
  public var stateNames: [String] { momentum == 0 ? [] : ["momentum_buffer"] }

  /// Takes one step of the rule on a slice, in one pass over memory.
  public func update(_ slice: ArenaSlice, scalars: StepScalars) {
    precondition(momentum == 0 || slice.state[0] != nil, "sgd: the momentum buffer is missing")
    var values = dl_sgd_scalars(
      learning_rate: scalars.learningRate, gradient_scale: scalars.gradientScale,
      weight_decay: weightDecay, momentum: momentum, nesterov: nesterov ? 1 : 0)
    dl_sgd(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, slice.state[0], &values)
  }
}
