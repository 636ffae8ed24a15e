import CKernels
import DLTensor

/// Slow weights that follow the trained ones every few steps, and take them back.
///
///     every `steps` steps:  s = s + alpha * (p - s)
///                           p = s
///
/// Zhang, Lucas, Hinton and Ba, "Lookahead Optimizer: k steps forward, 1 step back" (2019),
/// Algorithm 1; PyTorch has no counterpart. The optimizer's own state stays as it is.
package final class Lookahead {
  /// Steps of the fast weights between two of the slow ones.
  package let steps: Int

  /// The step size of the slow weights.
  package let alpha: Double

  /// The slow weights.
  package let slow: ArenaVector

  /// Makes slow weights of zeros.
  ///
  /// - Throws: `OptimizerError` unless `steps` is 1 or more and `alpha` in [0, 1]; `TensorError`
  ///   when there is no memory.
  package init(steps: Int = 5, alpha: Double = 0.5, count: Int, dtype: DType) throws {
    let check = HyperparameterCheck(optimizer: "lookahead")
    try check.require(steps >= 1, Double(steps), "lookahead.k", "1 or more")
    try check.require((0...1).contains(alpha), alpha, "lookahead.alpha", "a number in [0, 1]")
    self.steps = steps
    self.alpha = alpha
    slow = try ArenaVector(count: count, dtype: dtype)
  }

  /// To be called before the first step, with the slices whose elements the slow weights follow, one
  /// behind another.
  package func start(_ shares: [OwnedSlice]) {
    forEach(shares) { slice, slow in
      slow.copyMemory(from: slice.parameters, byteCount: slice.count * slice.dtype.byteCount)
    }
  }

  /// To be called after each step, with its number from 1.
  package func didStep(_ step: Int, _ shares: [OwnedSlice]) {
    guard step.isMultiple(of: steps) else { return }
    forEach(shares) { slice, slow in
      dl_average(slice.dtype.kernel, slice.count, slow, slice.parameters, alpha)
      slice.parameters.copyMemory(from: slow, byteCount: slice.count * slice.dtype.byteCount)
    }
  }

  private func forEach(
    _ shares: [OwnedSlice], _ body: (ArenaSlice, UnsafeMutableRawPointer) -> Void
  ) {
    var place = 0
    for share in shares {
      body(share.slice, slow.pointer + place * slow.dtype.byteCount)
      place += share.slice.count
    }
  }
}
