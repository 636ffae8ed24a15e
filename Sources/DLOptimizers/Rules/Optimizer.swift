/// An update rule for the parameter arena: a value of its hyperparameters.
///
/// Parameters, gradients and state belong to the caller, who zeroes the state before the first
/// step. ``SliceOptimizer`` is a rule by element, ``TensorNormOptimizer`` one by whole tensors,
/// ``MatrixOptimizer`` one by whole matrices; `ArenaUpdate` gives each what it needs. Groups of
/// parameters may differ in their rule.
public protocol Optimizer: Sendable {
  /// PyTorch's keys of the state, one buffer of the arena's size and type each.
  var stateNames: [String] { get }

  /// The elements that a step of one element depends on.
  var granularity: UpdateGranularity { get }
}

/// The elements that a step of one element depends on.
public enum UpdateGranularity: Sendable {
  /// The element alone.
  case element
  /// Norms of its whole tensor.
  case tensor
  /// All elements of its matrix.
  case matrix
  /// All parameters.
  case whole
}

/// A rule that updates a range of the arena by itself.
///
/// Elements are independent of each other unless the rule goes by tensors or matrices, so updates
/// of `[0, n/2)` and `[n/2, n)` equal one of `[0, n)` bit for bit.
public protocol SliceOptimizer: Optimizer {
  /// Updates parameters and state in place; the gradients are only read.
  func update(_ slice: ArenaSlice, scalars: StepScalars)
}

extension SliceOptimizer {
  /// Elements are independent of each other.
  public var granularity: UpdateGranularity { .element }
}

/// A rule that takes the checksums of parameters and state while it goes over them, where its slice
/// asks for them: they wait for memory together.
protocol ChecksummingOptimizer: SliceOptimizer {}

/// The numbers of an update rule that change from step to step.
public struct StepScalars: Sendable, Hashable {
  /// The number of the step, from 1.
  public var step: Int

  /// The learning rate of this step.
  public var learningRate: Double

  /// The factor that multiplies every gradient on the fly, such as that of clipping.
  public var gradientScale: Double

  /// Collects the scalars of one step.
  package init(step: Int, learningRate: Double, gradientScale: Double = 1) {
    self.step = step
    self.learningRate = learningRate
    self.gradientScale = gradientScale
  }
}
