import CKernels
import DLConfiguration
import DLTensor

/// Adam with a learning rate per tensor, for large batches.
///
///     d = gradientScale * g
///     m = beta1 * m + (1 - beta1) * d
///     v = beta2 * v + (1 - beta2) * d^2
///     u = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + epsilon) + weightDecay * p
///     p = p - learningRate * |p| / |u| * u
///
/// You and others, "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes" (2020),
/// Algorithm 2, with phi(x) = x; PyTorch has no counterpart. Norms are Euclidean, over each whole
/// tensor; the ratio is 1 where either is 0. State: `exp_avg` (m) and `exp_avg_sq` (v).
package struct LAMB: TensorNormOptimizer {
  /// The moments' decay rates and epsilon.
  package let moments: AdamMoments

  /// The decoupled weight decay.
  package let weightDecay: Double

  /// True if the rate is one per tensor; without it the ratio is 1.
  package let adapts: Bool

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on rates outside `[0, 1)` and on negative factors.
  package init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-6, weightDecay: Double = 0.01,
    adapts: Bool = true
  ) throws {
    let check = HyperparameterCheck(optimizer: "lamb")
    moments = try AdamMoments(beta1: beta1, beta2: beta2, epsilon: epsilon, check: check)
    try check.nonNegative(weightDecay, "weight_decay")
    self.weightDecay = weightDecay
    self.adapts = adapts
  }

  /// `exp_avg` and `exp_avg_sq`.
  package var stateNames: [String] { moments.stateNames }

  /// Updates the moments of a range; gives the sums of p² and of u².
  package func accumulate(_ slice: ArenaSlice, scalars: StepScalars) -> SquareSums {
    let (first, second) = moments.buffers(slice)
    var values = kernelScalars(scalars)
    var sums = (0.0, 0.0)
    withUnsafeMutableBytes(of: &sums) { bytes in
      dl_lamb_moments(
        slice.dtype.kernel, slice.count, slice.parameters, slice.gradients, first, second, &values,
        bytes.assumingMemoryBound(to: Double.self).baseAddress)
    }
    return SquareSums(parameters: sums.0, updates: sums.1)
  }

  /// Takes the step on a range of a tensor with these sums.
  package func apply(_ slice: ArenaSlice, scalars: StepScalars, sums: SquareSums) {
    let (first, second) = moments.buffers(slice)
    var values = kernelScalars(scalars)
    dl_lamb(
      slice.dtype.kernel, slice.count, slice.parameters, first, second, &values,
      scalars.learningRate * trustRatio(sums))
  }

  private func trustRatio(_ sums: SquareSums) -> Double {
    guard adapts, sums.parameters > 0, sums.updates > 0 else { return 1 }
    return sums.parameters.squareRoot() / sums.updates.squareRoot()
  }

  private func kernelScalars(_ scalars: StepScalars) -> dl_lamb_scalars {
    let correction = moments.corrections(step: scalars.step)
    return dl_lamb_scalars(
      gradient_scale: scalars.gradientScale, weight_decay: weightDecay, beta1: moments.beta1,
      beta2: moments.beta2, first_scale: 1 / correction.first,
      second_scale: 1 / correction.second.squareRoot(), epsilon: moments.epsilon)
  }
}

/// The options of LAMB.
package struct LAMBSpec: OptimizerSpec {
  package static var word: String { "lamb" }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 0.001 }
  /// The weight decay unless another is given.
  package static var weightDecay: Double { 0.01 }

  /// The decay rates of the two moments.
  package var betas = [0.9, 0.999]
  /// The term added to the denominator.
  package var eps = 1e-6

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("betas", \.betas, .within(0..<1).count(2), "decay rates of the moments"),
      .init("eps", \.eps, .above(0), "added to the denominator"),
    ]
  }

  /// Makes the rule for a group of parameters.
  ///
  /// - Throws: `OptimizerError` where one of `betas` is outside `[0, 1)`, or another number is
  ///   negative.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    try LAMB(
      beta1: betas[0], beta2: betas[1], epsilon: eps, weightDecay: weightDecay, adapts: adapts)
  }
}
