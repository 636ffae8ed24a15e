import CKernels
import DLConfiguration
import DLTensor

/// Steps in the parameters' own units, as `torch.optim.Adadelta`.
///
///     d = gradientScale * g + weightDecay * p
///     v = rho * v + (1 - rho) * d^2
///     x = sqrt(u + epsilon) / sqrt(v + epsilon) * d
///     u = rho * u + (1 - rho) * x^2
///     p = p - learningRate * x
///
/// Zeiler, "ADADELTA: An Adaptive Learning Rate Method" (2012), Algorithm 1. State: `square_avg` (v)
/// and `acc_delta` (u).
package struct Adadelta: ChecksummingOptimizer {
  /// The decay rate of both means.
  package let rho: Double

  /// The term added under both roots.
  package let epsilon: Double

  /// The L2 penalty's factor.
  package let weightDecay: Double

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on a rate outside `[0, 1)` and on negative factors.
  package init(rho: Double = 0.9, epsilon: Double = 1e-6, weightDecay: Double = 0) throws {
    let check = HyperparameterCheck(optimizer: "adadelta")
    try check.rate(rho, "rho")
    try check.nonNegative(epsilon, "eps")
    try check.nonNegative(weightDecay, "weight_decay")
    self.rho = rho
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// `square_avg` and `acc_delta`.
  package var stateNames: [String] { ["square_avg", "acc_delta"] }

  /// Takes one step of the rule on a slice, in one pass over memory.
  package func update(_ slice: ArenaSlice, scalars: StepScalars) {
    guard let squares = slice.state[0], let moves = slice.state[1] else {
      preconditionFailure("adadelta: a buffer of a mean is missing")
    }
    var values = dl_adadelta_scalars(
      learning_rate: scalars.learningRate, gradient_scale: scalars.gradientScale,
      weight_decay: weightDecay, rho: rho, epsilon: epsilon)
    dl_adadelta(
      slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, squares, moves, &values,
      slice.checksums)
  }
}

/// The options of Adadelta.
package struct AdadeltaSpec: OptimizerSpec {
  package static var word: String { "adadelta" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 1 }

  /// The term added to the denominator.
  package var eps = 1e-6
  /// The decay rate of the means.
  package var rho = 0.9

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("eps", \.eps, .above(0), "added to the denominator"),
      .init("rho", \.rho, .within(0..<1), "decay rate of the means"),
    ]
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where `rho` is outside `[0, 1)`, or another number is negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try Adadelta(rho: rho, epsilon: eps, weightDecay: weightDecay)
  }
}
