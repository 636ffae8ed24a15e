import DLTensor

/// The limited-memory BFGS method for full batches, as `torch.optim.LBFGS`.
///
/// One call of ``step(_:rate:closure:)`` makes up to `maxIterations` iterations, each of which may
/// evaluate loss and gradient several times. The direction comes from the two-loop recursion over
/// the last `historySize` pairs of steps and gradient changes (Nocedal and Wright, "Numerical
/// Optimization" (2006), Algorithms 7.4 and 7.5); the step is fixed, or found by a line search that
/// satisfies the strong Wolfe conditions. Sums are in double also where the weights are float32.
package final class LBFGS {
  /// The options of the method.
  package struct Options: Sendable, Hashable {
    /// The length of a step, or the first that a line search tries; `lr`.
    package var learningRate = 1.0
    /// Iterations per step; `max_iter`.
    package var maxIterations = 20
    /// Evaluations per step; `max_eval`, 5/4 of the iterations where nil.
    package var maxEvaluations: Int?
    /// The largest element of the gradient at which a step ends; `tolerance_grad`.
    package var toleranceGradient = 1e-7
    /// The change of weights or loss at which a step ends; `tolerance_change`.
    package var toleranceChange = 1e-9
    /// Pairs that are remembered; `history_size`.
    package var historySize = 100
    /// True if the length of a step is searched for; `line_search_fn: strong_wolfe`.
    package var usesLineSearch = false

    /// PyTorch's defaults.
    package init() {}
  }

  /// A remembered step with the change of the gradient along it.
  struct Pair {
    let change: ArenaVector
    let step: ArenaVector
    /// `1 / (change · step)`.
    let inverse: Double
  }

  /// Loss and gradient at a point of the search line.
  struct Evaluation {
    let loss: Double
    let gradient: ArenaVector
  }

  /// The options of the method.
  package let options: Options

  var state = State()
  let count: Int
  let dtype: DType

  /// The state that is kept from step to step.
  struct State {
    var iterations = 0
    var evaluations = 0
    var length = 0.0
    var scale = 1.0
    var previousLoss = 0.0
    var direction: ArenaVector?
    var previousGradient: ArenaVector?
    var pairs: [Pair] = []
  }

  /// Makes the rule with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on negative tolerances and lengths, and counts below 1.
  package init(_ options: Options = Options(), count: Int, dtype: DType) throws {
    let check = HyperparameterCheck(optimizer: "lbfgs")
    try check.nonNegative(options.learningRate, "lr")
    try check.nonNegative(options.toleranceGradient, "tolerance_grad")
    try check.nonNegative(options.toleranceChange, "tolerance_change")
    for (value, name) in [
      (options.maxIterations, "max_iter"), (options.maxEvaluations ?? 1, "max_eval"),
      (options.historySize, "history_size"),
    ] { try check.require(value >= 1, Double(value), name, "1 or more") }
    self.options = options
    self.count = count
    self.dtype = dtype
  }

  /// Moves the parameters of a whole arena toward a minimum.
  ///
  /// - Parameters:
  ///   - rate: what a schedule multiplies the length of a step by.
  ///   - closure: brings the slice's gradients to those at its parameters, and returns the loss; on
  ///     several ranks the same on all of them.
  /// - Returns: the loss before the step.
  /// - Throws: what the closure throws; `TensorError` when there is no memory.
  @discardableResult
  package func step(
    _ slice: ArenaSlice, rate: Double = 1, closure: () throws -> Double
  ) throws -> Double {
    precondition(slice.count == count && slice.dtype == dtype, "lbfgs: another arena")
    let first = try closure()
    var loss = first
    var evaluations = 1
    state.evaluations += 1
    var gradient = try vector(slice.gradients)
    guard gradient.absoluteMaximum > options.toleranceGradient else { return first }
    let maxEvaluations = options.maxEvaluations ?? options.maxIterations * 5 / 4

    for iteration in 1...options.maxIterations {
      state.iterations += 1
      let direction = try nextDirection(gradient)
      state.direction = direction
      state.previousGradient = gradient
      state.previousLoss = loss
      state.length = options.learningRate * rate
      if state.iterations == 1 { state.length *= min(1, 1 / gradient.absoluteSum) }
      let slope = gradient.dot(direction)
      guard slope <= -options.toleranceChange else { break }

      var made = 0
      if options.usesLineSearch {
        let origin = try vector(slice.parameters)
        let found = try StrongWolfe(
          start: Evaluation(loss: loss, gradient: gradient), slope: slope, direction: direction,
          // PyTorch's own, whatever the options of a step are.
          toleranceChange: 1e-9, maxEvaluations: 25
        ).search(from: state.length) { length in
          move(slice, direction, length)
          defer { slice.parameters.copyMemory(from: origin.pointer, byteCount: origin.byteCount) }
          return Evaluation(loss: try closure(), gradient: try vector(slice.gradients))
        }
        (loss, gradient) = (found.point.loss, found.point.gradient)
        (state.length, made) = (found.length, found.evaluations)
        move(slice, direction, state.length)
      } else {
        move(slice, direction, state.length)
        if iteration < options.maxIterations {
          loss = try closure()
          gradient = try vector(slice.gradients)
          made = 1
        }
      }
      evaluations += made
      state.evaluations += made
      let isDone =
        evaluations >= maxEvaluations || gradient.absoluteMaximum <= options.toleranceGradient
        || direction.absoluteMaximum * state.length <= options.toleranceChange
        || abs(loss - state.previousLoss) < options.toleranceChange
      if isDone { break }
    }
    return first
  }

  /// The approximate inverse Hessian times the negative gradient, its memory brought up to date.
  private func nextDirection(_ gradient: ArenaVector) throws -> ArenaVector {
    let direction = try ArenaVector(count: count, dtype: dtype)
    direction.scale(-1, gradient)
    guard let last = state.direction, let previous = state.previousGradient else {
      return direction
    }
    let change = try vector(gradient.pointer)
    change.add(-1, previous)
    let step = try ArenaVector(count: count, dtype: dtype)
    step.scale(state.length, last)
    let curvature = change.dot(step)
    if curvature > 1e-10 {
      if state.pairs.count == options.historySize { state.pairs.removeFirst() }
      state.pairs.append(Pair(change: change, step: step, inverse: 1 / curvature))
      state.scale = curvature / change.dot(change)
    }
    var weights: [Double] = []
    for pair in state.pairs.reversed() {
      let weight = pair.step.dot(direction) * pair.inverse
      direction.add(-weight, pair.change)
      weights.append(weight)
    }
    direction.scale(state.scale, direction)
    for (pair, weight) in zip(state.pairs, weights.reversed()) {
      direction.add(weight - pair.change.dot(direction) * pair.inverse, pair.step)
    }
    return direction
  }

  private func move(_ slice: ArenaSlice, _ direction: ArenaVector, _ length: Double) {
    direction.add(length, to: slice.parameters)
  }

  func vector(_ source: UnsafeRawPointer) throws -> ArenaVector {
    let vector = try ArenaVector(count: count, dtype: dtype)
    vector.copy(source)
    return vector
  }
}
