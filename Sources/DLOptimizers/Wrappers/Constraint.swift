import CKernels
import DLTensor

/// A condition on each of some tensors of the arena, and how it is kept.
///
/// Conditions are `g(w) ≤ 0` or `h(w) = 0` with
///
///     g = (|w|² - c²) / 2        a largest norm c
///     h = Σ w - s                a sum s
///     g = -w, by element         no element below 0
///
/// A penalty adds `weight/2 · max(g, 0)²` or `weight/2 · h²` to the loss. Multipliers add
/// `(max(m + weight · g, 0)² - m²) / (2 weight)` or `m · h + weight/2 · h²`, and are moved to
/// `max(m + weight · g, 0)` or `m + weight · h` every so many updates: the augmented Lagrangian of
/// Hestenes and Powell, with Rockafellar's form for inequalities (Nocedal and Wright, "Numerical
/// Optimization" (2006), section 17.3). By the choice of g the multiplier of a norm is the
/// coefficient of the ridge regression that comes to it. A projection sets w to the nearest point.
package struct Constraint: Sendable {
  /// A condition that a tensor is to keep.
  package enum Condition: Sendable, Hashable {
    /// The norm is at most so large.
    case maxNorm(Double)
    /// The elements add up to it.
    case sum(Double)
    /// No element is below 0.
    case nonnegative
  }

  /// A way of keeping the condition.
  package enum Method: Sendable, Hashable {
    /// By setting the tensor to the nearest point that keeps it.
    case projection
    /// By a term of the loss.
    case penalty(weight: Double)
    /// By a term of the loss with multipliers, moved every so many updates.
    case multipliers(weight: Double, every: Int)
  }

  /// The condition that is to be kept.
  package let condition: Condition
  /// How.
  package let method: Method
  /// The elements of each tensor, from the phase's first.
  package let members: [Range<Int>]

  /// Describes a constraint.
  package init(_ condition: Condition, by method: Method, of members: [Range<Int>]) {
    self.condition = condition
    self.method = method
    self.members = members
  }

  /// True if it has multipliers, which are state.
  package var hasMultipliers: Bool { if case .multipliers = method { true } else { false } }

  private var weight: Double {
    switch method {
    case .projection: 0
    case .penalty(let weight), .multipliers(let weight, _): weight
    }
  }

  /// g or h of a whole tensor; 0 where the condition is by element.
  package func excess(_ tensor: UnsafeRawPointer, _ count: Int, _ dtype: DType) -> Double {
    switch condition {
    case .maxNorm(let bound): (dl_dot(dtype.kernel, tensor, tensor, count) - bound * bound) / 2
    case .sum(let sum): dl_sum(dtype.kernel, tensor, count) - sum
    case .nonnegative: 0
    }
  }

  /// Adds the slope of the term to the gradients of a part of a tensor.
  ///
  /// - Parameters:
  ///   - excess: that of the whole tensor.
  ///   - multipliers: those of the part's elements; nil for a penalty.
  package func addGradient(
    to part: ArenaSlice, excess: Double, multipliers: UnsafeRawPointer?
  ) {
    guard part.count > 0, method != .projection else { return }
    let kernel = part.dtype.kernel
    switch condition {
    case .maxNorm:
      let force = max(first(multipliers, part.dtype) + weight * excess, 0)
      dl_axpy(kernel, force, part.parameters, part.gradients, part.count)
    case .sum:
      let force = first(multipliers, part.dtype) + weight * excess
      withScratch(part) { scratch in
        dl_fill(kernel, force, scratch, part.count)
        dl_axpy(kernel, 1, scratch, part.gradients, part.count)
      }
    case .nonnegative:
      withScratch(part) { scratch in
        moved(part, multipliers, into: scratch)
        dl_axpy(kernel, -1, scratch, part.gradients, part.count)
      }
    }
  }

  /// Moves the multipliers of a part of a tensor.
  ///
  /// - Parameter excess: that of the whole tensor at the new parameters.
  package func move(
    _ multipliers: UnsafeMutableRawPointer, of part: ArenaSlice, excess: Double, updates: Int
  ) {
    guard case .multipliers(_, let every) = method, updates.isMultiple(of: every), part.count > 0
    else { return }
    let kernel = part.dtype.kernel
    let next = first(multipliers, part.dtype) + weight * excess
    switch condition {
    case .maxNorm: dl_fill(kernel, max(next, 0), multipliers, part.count)
    case .sum: dl_fill(kernel, next, multipliers, part.count)
    case .nonnegative: moved(part, multipliers, into: multipliers)
    }
  }

  /// The sum that a projection needs of a part of a tensor, to be added up over the parts.
  package func projectionSum(_ part: ArenaSlice) -> Double {
    let kernel = part.dtype.kernel
    return switch condition {
    case .maxNorm: dl_dot(kernel, part.parameters, part.parameters, part.count)
    case .sum: dl_sum(kernel, part.parameters, part.count)
    case .nonnegative: 0
    }
  }

  /// Sets a part of a tensor to that of the nearest point.
  ///
  /// - Parameters:
  ///   - sum: the ``projectionSum(_:)`` of the whole tensor.
  ///   - count: the elements of the whole tensor.
  package func project(_ part: ArenaSlice, sum: Double, count: Int) {
    guard part.count > 0 else { return }
    let kernel = part.dtype.kernel
    switch condition {
    case .maxNorm(let bound):
      let norm = sum.squareRoot()
      guard norm > bound else { return }
      dl_scale(kernel, bound / norm, part.parameters, part.parameters, part.count, 0)
    case .sum(let wanted):
      withScratch(part) { scratch in
        dl_fill(kernel, (wanted - sum) / Double(count), scratch, part.count)
        dl_axpy(kernel, 1, scratch, part.parameters, part.count)
      }
    case .nonnegative:
      dl_clamp(kernel, 0, .infinity, part.parameters, part.parameters, part.count)
    }
  }

  /// `max(m - weight · w, 0)` by element.
  private func moved(
    _ part: ArenaSlice, _ multipliers: UnsafeRawPointer?, into target: UnsafeMutableRawPointer
  ) {
    let kernel = part.dtype.kernel
    if let multipliers {
      if UnsafeRawPointer(target) != multipliers {
        target.copyMemory(from: multipliers, byteCount: part.count * part.dtype.byteCount)
      }
    } else {
      dl_fill(kernel, 0, target, part.count)
    }
    dl_axpy(kernel, -weight, part.parameters, target, part.count)
    dl_clamp(kernel, 0, .infinity, target, target, part.count)
  }

  /// The multiplier of a whole tensor, which all its elements have.
  private func first(_ multipliers: UnsafeRawPointer?, _ dtype: DType) -> Double {
    guard let multipliers else { return 0 }
    return dl_sum(dtype.kernel, multipliers, 1)
  }

  private func withScratch(_ part: ArenaSlice, _ body: (UnsafeMutableRawPointer) -> Void) {
    withUnsafeTemporaryAllocation(
      byteCount: part.count * part.dtype.byteCount, alignment: 64
    ) { scratch in
      if let base = scratch.baseAddress { body(base) }
    }
  }
}
