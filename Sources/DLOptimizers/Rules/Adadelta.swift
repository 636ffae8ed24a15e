import CKernels
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
public struct Adadelta: ChecksummingOptimizer {
  /// The decay rate of both means.
  public let rho: Double

  /// The term added under both roots.
  public let epsilon: Double

  /// The L2 penalty's factor.
  public let weightDecay: Double

  /// Throws an `OptimizerError` on a rate outside `[0, 1)` and on negative factors.
  public init(rho: Double = 0.9, epsilon: Double = 1e-6, weightDecay: Double = 0) throws {
    let check = HyperparameterCheck(optimizer: "adadelta")
    try check.rate(rho, "rho")
    try check.nonNegative(epsilon, "eps")
    try check.nonNegative(weightDecay, "weight_decay")
    self.rho = rho
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// `adadelta`.
  public var name: String { "adadelta" }

  /// `square_avg` and `acc_delta`.
  public var stateNames: [String] { ["square_avg", "acc_delta"] }

  /// Takes one step of the rule on a slice, in one pass over memory.
  public func update(_ slice: ArenaSlice, scalars: StepScalars) {
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
