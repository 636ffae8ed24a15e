/// An update rule whose step depends on norms of each whole tensor, in two phases.
///
/// The first phase goes over blocks of a tensor, brings their state up to date and gives each
/// block's parts of two square sums; the second takes the step with the sums of the whole tensor.
/// Between the phases the owner of a slice of the arena adds up partial sums that others may have
/// made, so a rule never sees how the arena is shared out.
public protocol TensorNormOptimizer: SliceOptimizer {
  /// First phase: updates the state of a range and returns its square sums.
  func accumulate(_ slice: ArenaSlice, scalars: StepScalars) -> SquareSums

  /// Second phase: updates the parameters of a range of a tensor whose blocks have these sums.
  func apply(_ slice: ArenaSlice, scalars: StepScalars, sums: SquareSums)
}

extension TensorNormOptimizer {
  /// Norms of a whole tensor.
  public var granularity: UpdateGranularity { .tensor }

  /// Takes one step on a slice that is one whole tensor.
  public func update(_ slice: ArenaSlice, scalars: StepScalars) {
    apply(slice, scalars: scalars, sums: accumulate(slice, scalars: scalars))
  }
}

/// The sums of squares that a two-phase rule asks for, in double.
public struct SquareSums: Sendable, Hashable {
  /// That of the parameters before the step.
  package var parameters: Double

  /// That of the gradients (LARS), or of the steps before they are scaled (LAMB).
  package var updates: Double

  /// Holds two sums.
  public init(parameters: Double = 0, updates: Double = 0) {
    self.parameters = parameters
    self.updates = updates
  }

  /// The sums over two ranges.
  package static func + (left: SquareSums, right: SquareSums) -> SquareSums {
    SquareSums(
      parameters: left.parameters + right.parameters, updates: left.updates + right.updates)
  }
}
