import DLConfiguration

/// The share of the weights that an update takes into a mean.
public protocol AverageWeighting: Sendable {
  /// The weight of the next update, from 0 to 1, after `updates` of them, 1 at least: the first one
  /// copies the weights.
  func weight(afterUpdates updates: Int) -> Double
}

/// A mean of the weights that a configuration can name: its options, and how it is made from them.
///
/// A file in `Averages` holds the weighting with its spec, and ``AverageRegistry`` lists it.
public protocol AverageSpec: ConfigurationOption {
  /// Makes what weighs the updates.
  func makeWeighting() -> any AverageWeighting

  /// True if running statistics are gathered anew for the mean; else it takes those of the weights.
  var gathersStatistics: Bool { get }

  /// The learning rate from the first update on; nil for that of the schedule.
  var lr: Double? { get }

  /// Epochs over which the rate goes to ``lr``.
  var annealEpochs: Double { get }

  /// The steps before the first update unless they are given.
  func defaultStart(totalSteps: Int) -> Int

  /// The steps between two updates unless they are given.
  func defaultInterval(stepsPerEpoch: Int) -> Int
}

extension AverageSpec {
  /// The statistics are those of the weights, as in `torch.optim.swa_utils.AveragedModel`.
  public var gathersStatistics: Bool { false }
  /// The rate is that of the schedule.
  public var lr: Double? { nil }
  /// The rate goes nowhere.
  public var annealEpochs: Double { 0 }
  /// The first step is taken in.
  public func defaultStart(totalSteps: Int) -> Int { 0 }
  /// Every step is taken in.
  public func defaultInterval(stepsPerEpoch: Int) -> Int { 1 }
}

/// The means of the weights that a configuration can name.
public enum AverageRegistry {
  /// Those that come with dltrain; a new one adds its own here.
  package static let builtIn: [any AverageSpec.Type] = [
    ExponentialAverageSpec.self,
    EqualAverageSpec.self,
    RampedAverageSpec.self,
  ]

  private static let registry = TypeRegistry("average", builtIn) { ($0.word, $0) }

  /// All means, a program's own after those of dltrain.
  package static var all: [any AverageSpec.Type] { registry.all }

  /// Makes a mean of a program's own known to every configuration that is read from now on.
  ///
  /// - Throws: `RegistryError` where another type has the same name.
  public static func register(_ type: any AverageSpec.Type) throws { try registry.register(type) }
}
