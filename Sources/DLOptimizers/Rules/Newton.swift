import CKernels
import DLTensor

/// Newton's method for full batches, damped, with steps found by conjugate gradients.
///
///     (∇²f(w) + damping · I) p = -∇f(w)
///     w ← w + t · p,   f(w + t p) ≤ f(w) + 1e-4 · t · ∇f(w)·p,   t = lr, lr/2, lr/4, ...
///
/// f is the loss with the L2 penalties of the weight decays. The matrix is never made: products with
/// it are. Where a direction has no positive curvature, the method takes what it has found before,
/// and the steepest descent in the first iteration. Nocedal and Wright, "Numerical Optimization"
/// (2006), Algorithm 7.1; PyTorch has no counterpart. Sums are in double also where the weights are
/// float32.
package final class Newton {
  /// The options of the method.
  package struct Options: Sendable {
    /// The part of a step that is tried first; `lr`.
    package var learningRate = 1.0
    /// The number that is added to the diagonal of the Hessian; `damping`.
    package var damping = 0.0
    /// Products with the Hessian per step; `max_iter`.
    package var maxIterations = 50
    /// The largest element of the gradient at which nothing is done; `tolerance_grad`.
    package var toleranceGradient = 1e-10
    /// The part of the gradient's norm that may be left of the system; `tolerance_residual`.
    package var toleranceResidual = 1e-8
    /// Parameters with an L2 penalty: `weight_decay` by their range.
    package var decays: [(range: Range<Int>, weight: Double)] = []

    /// The defaults.
    package init() {}
  }

  /// Halvings of a step before it is given up.
  private static let maxHalvings = 20

  private let options: Options
  private let count: Int
  private let dtype: DType

  /// Makes the method with its hyperparameters.
  ///
  /// - Throws: `OptimizerError` on negative numbers, and on less than one product.
  package init(_ options: Options, count: Int, dtype: DType) throws {
    let check = HyperparameterCheck(optimizer: "newton")
    try check.nonNegative(options.learningRate, "lr")
    try check.nonNegative(options.damping, "damping")
    try check.nonNegative(options.toleranceGradient, "tolerance_grad")
    try check.nonNegative(options.toleranceResidual, "tolerance_residual")
    try check.require(
      options.maxIterations >= 1, Double(options.maxIterations), "max_iter", "1 or more")
    for decay in options.decays { try check.nonNegative(decay.weight, "weight_decay") }
    self.options = options
    self.count = count
    self.dtype = dtype
  }

  /// Moves the parameters of a whole arena one step toward a minimum.
  ///
  /// - Parameters:
  ///   - rate: what a schedule multiplies the first length by.
  ///   - gradient: brings the slice's gradients to those at its parameters, and returns the loss; on
  ///     several ranks the same on all of them.
  ///   - product: brings the slice's gradients to the Hessian at its parameters times a vector.
  /// - Returns: the loss before the step, without penalties.
  /// - Throws: what the closures throw; `TensorError` when there is no memory.
  @discardableResult
  package func step(
    _ slice: ArenaSlice, rate: Double = 1, gradient: () throws -> Double,
    product: (ArenaVector) throws -> Void
  ) throws -> Double {
    precondition(slice.count == count && slice.dtype == dtype, "newton: another arena")
    let loss = try gradient()
    let slope = try copy(slice.gradients)
    addDecays(of: slice.parameters, to: slope)
    guard slope.absoluteMaximum > options.toleranceGradient else { return loss }
    let origin = try copy(slice.parameters)
    let start = loss + penalty(slice)
    let direction = try solve(slope, slice, product)
    let descent = slope.dot(direction)
    // As much as a sum of so many terms is rounded by.
    let rounding = 8 * Double.ulpOfOne * abs(start)
    var length = options.learningRate * rate
    for _ in 0...Newton.maxHalvings {
      direction.add(length, to: slice.parameters)
      let found = try gradient() + penalty(slice)
      if found <= start + 1e-4 * length * descent + rounding { return loss }
      slice.parameters.copyMemory(from: origin.pointer, byteCount: origin.byteCount)
      length /= 2
    }
    return loss
  }

  /// The direction of the step, by conjugate gradients from 0.
  private func solve(
    _ gradient: ArenaVector, _ slice: ArenaSlice, _ product: (ArenaVector) throws -> Void
  ) throws -> ArenaVector {
    let step = try ArenaVector(count: count, dtype: dtype)
    let residual = try copy(gradient.pointer)
    let direction = try ArenaVector(count: count, dtype: dtype)
    direction.scale(-1, gradient)
    var square = residual.dot(residual)
    let limit = options.toleranceResidual * square.squareRoot()
    for iteration in 0..<options.maxIterations {
      try product(direction)
      let bent = try copy(slice.gradients)
      bent.add(options.damping, direction)
      addDecays(of: direction.pointer, to: bent)
      let curvature = direction.dot(bent)
      guard curvature > 0 else { return iteration == 0 ? direction : step }
      let length = square / curvature
      step.add(length, direction)
      residual.add(length, bent)
      let next = residual.dot(residual)
      guard next.squareRoot() > limit else { return step }
      direction.scale(next / square, direction)
      direction.add(-1, residual)
      square = next
    }
    return step
  }

  /// Half the weighted squares of the parameters.
  private func penalty(_ slice: ArenaSlice) -> Double {
    options.decays.reduce(0) { sum, decay in
      let part = slice[decay.range]
      return sum + decay.weight / 2
        * dl_dot(dtype.kernel, part.parameters, part.parameters, part.count)
    }
  }

  private func addDecays(of source: UnsafeRawPointer, to target: ArenaVector) {
    for decay in options.decays {
      let offset = decay.range.lowerBound * dtype.byteCount
      dl_axpy(
        dtype.kernel, decay.weight, source + offset, target.pointer + offset, decay.range.count)
    }
  }

  private func copy(_ source: UnsafeRawPointer) throws -> ArenaVector {
    let vector = try ArenaVector(count: count, dtype: dtype)
    vector.copy(source)
    return vector
  }
}
