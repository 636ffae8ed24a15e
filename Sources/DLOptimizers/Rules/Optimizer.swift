/// An update rule for a range of the parameter arena.
///
/// A rule is a value of its hyperparameters; parameters, gradients and state belong to the caller,
/// who zeroes the state before the first step. Elements are independent of each other, so updates
/// of `[0, n/2)` and `[n/2, n)` equal one of `[0, n)` bit for bit, and ranges may differ in their
/// rule, say in its weight decay. ``TensorNormOptimizer`` and ``Muon`` go by whole tensors, which
/// ``ArenaUpdate`` gives them.
public protocol Optimizer: Sendable {
  /// The rule's name in a configuration.
  var name: String { get }

  /// PyTorch's keys of the state, one buffer of the arena's size and type each.
  var stateNames: [String] { get }

  /// Updates parameters and state in place; the gradients are only read.
  func update(_ slice: ArenaSlice, scalars: StepScalars)
}

/// A rule that takes the checksums of parameters and state while it goes over them, where its slice
/// asks for them: they wait for memory together.
protocol ChecksummingOptimizer: Optimizer {}

/// What changes from step to step in an update rule.
public struct StepScalars: Sendable, Hashable {
  /// The number of the step, from 1.
  public var step: Int

  /// The learning rate of this step.
  public var learningRate: Double

  /// The factor that multiplies every gradient on the fly, such as that of clipping.
  public var gradientScale: Double

  /// Collects the scalars of one step.
  public init(step: Int, learningRate: Double, gradientScale: Double = 1) {
    self.step = step
    self.learningRate = learningRate
    self.gradientScale = gradientScale
  }
}
