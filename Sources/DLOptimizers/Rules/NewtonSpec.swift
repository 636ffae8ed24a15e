import DLConfiguration

/// The options of Newton's method.
package struct NewtonSpec: WholeGradientSpec {
  package static var word: String { "newton" }
  /// Weight decay is half the square of the weights in the loss.
  package static var takesPenalty: Bool { true }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 1 }

  /// The number that is added to the diagonal of the Hessian.
  package var damping = 0.0
  /// Products with the Hessian per step.
  package var maxIter = 50
  /// The largest element of the gradient at which nothing is done.
  package var toleranceGrad = 1e-10
  /// The part of the gradient's norm that may be left of the system.
  package var toleranceResidual = 1e-8

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("damping", \.damping, .atLeast(0), "what is added to the Hessian's diagonal"),
      .init("max_iter", \.maxIter, .atLeast(1), "iterations per step"),
      .init(
        "tolerance_grad", \.toleranceGrad, .atLeast(0),
        "largest element of the gradient at which a step ends"),
      .init(
        "tolerance_residual", \.toleranceResidual, .atLeast(0),
        "part of the gradient's norm at which conjugate gradients end"),
    ]
  }

  /// The options of ``Newton`` at a learning rate, with the weight decays of some ranges.
  package func options(
    learningRate: Double, decays: [(range: Range<Int>, weight: Double)] = []
  ) -> Newton.Options {
    var options = Newton.Options()
    options.learningRate = learningRate
    options.damping = damping
    options.maxIterations = maxIter
    options.toleranceGradient = toleranceGrad
    options.toleranceResidual = toleranceResidual
    options.decays = decays
    return options
  }

  /// Makes the rule, whose steps ``Newton`` takes.
  ///
  /// - Throws: nothing.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    PenalizedRule(weightDecay: weightDecay)
  }
}

/// A rule that takes its steps over all parameters at once, with an L2 penalty on its own.
package struct PenalizedRule: Optimizer {
  /// The weight of half the sum of squares.
  package let weightDecay: Double

  /// No names.
  package var stateNames: [String] { [] }

  /// ``UpdateGranularity/whole``.
  package var granularity: UpdateGranularity { .whole }
}
