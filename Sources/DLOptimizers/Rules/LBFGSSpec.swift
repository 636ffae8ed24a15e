import DLConfiguration

/// The options of L-BFGS.
package struct LBFGSSpec: WholeGradientSpec {
  package static var word: String { "lbfgs" }
  /// The method knows no penalty.
  package static var takesPenalty: Bool { false }
  /// The learning rate unless another is given.
  package static var learningRate: Double { 1 }

  /// Iterations per step.
  package var maxIter = 20
  /// Evaluations per step; 5/4 of the iterations where nil.
  package var maxEval: Int?
  /// The largest element of the gradient at which a step ends.
  package var toleranceGrad = 1e-7
  /// The change of weights or loss at which a step ends.
  package var toleranceChange = 1e-9
  /// Pairs of steps and gradient changes that are remembered.
  package var historySize = 100
  /// The search for the length of a step; nil for the learning rate.
  package var lineSearchFn: LineSearch?

  /// The known line searches.
  package enum LineSearch: String, ConfigurationWord {
    /// A search for a point that satisfies the strong Wolfe conditions.
    case strongWolfe = "strong_wolfe"
  }

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init("max_iter", \.maxIter, .atLeast(1), "iterations per step"),
      .init("max_eval", \.maxEval, .atLeast(1), "evaluations per step; 5/4 of max_iter"),
      .init(
        "tolerance_grad", \.toleranceGrad, .atLeast(0),
        "largest element of the gradient at which a step ends"),
      .init(
        "tolerance_change", \.toleranceChange, .atLeast(0),
        "change of weights or loss at which a step ends"),
      .init("history_size", \.historySize, .atLeast(1), "steps that are remembered"),
      .init(
        "line_search_fn", \.lineSearchFn, "how the length of a step is found, if not by lr alone"),
    ]
  }

  /// The options of ``LBFGS`` at a learning rate.
  package func options(learningRate: Double) -> LBFGS.Options {
    var options = LBFGS.Options()
    options.learningRate = learningRate
    options.maxIterations = maxIter
    options.maxEvaluations = maxEval
    options.toleranceGradient = toleranceGrad
    options.toleranceChange = toleranceChange
    options.historySize = historySize
    options.usesLineSearch = lineSearchFn == .strongWolfe
    return options
  }

  /// Makes the rule, whose steps ``LBFGS`` takes.
  ///
  /// - Throws: nothing.
  package func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer {
    WholeGradientRule()
  }
}
