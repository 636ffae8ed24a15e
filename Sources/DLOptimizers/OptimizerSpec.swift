import DLConfiguration

/// An optimizer that a configuration can name: its options, and how it is made from them.
///
/// A file in `Rules` holds the rule with its spec, and ``OptimizerRegistry`` lists it. Keys
/// that other optimizers have too mean the same there.
public protocol OptimizerSpec: ConfigurationOption {
  /// The learning rate unless `lr` is given.
  static var learningRate: Double { get }
  /// The weight decay unless `weight_decay` is given.
  static var weightDecay: Double { get }

  /// Makes the rule for a group of parameters.
  ///
  /// - Parameters:
  ///   - weightDecay: the group's; 0 for parameters that `no_decay` names.
  ///   - adapts: whether steps are scaled by norms of whole tensors, in rules that do so; false for
  ///     parameters that `no_decay` names.
  /// - Throws: `OptimizerError` on values outside the rule's range, which options that were read from
  ///   a configuration do not have.
  func makeOptimizer(weightDecay: Double, adapts: Bool) throws -> any Optimizer
}

extension OptimizerSpec {
  /// No weight decay.
  public static var weightDecay: Double { 0 }
  /// No options.
  public static var fields: [ConfigurationField<Self>] { [] }
}

/// The optimizers that a configuration can name.
public enum OptimizerRegistry {
  /// Those that come with dltrain; a new one adds its own here.
  package static let builtIn: [any OptimizerSpec.Type] = [
    SGDSpec.self,
    AdamSpec.self,
    AdamWSpec.self,
    NAdamSpec.self,
    RAdamSpec.self,
    LionSpec.self,
    MuonSpec.self,
    AdagradSpec.self,
    AdadeltaSpec.self,
    RMSPropSpec.self,
    LARSSpec.self,
    LAMBSpec.self,
    LBFGSSpec.self,
    NewtonSpec.self,
    AdafactorSpec.self,
  ]

  private static let registry = TypeRegistry("optimizer", builtIn) { ($0.word, $0) }

  /// All optimizers, a program's own after those of dltrain.
  package static var all: [any OptimizerSpec.Type] { registry.all }

  /// Makes an optimizer of a program's own known to every configuration that is read from now on.
  ///
  /// - Throws: `RegistryError` where another type has the same name.
  public static func register(_ type: any OptimizerSpec.Type) throws { try registry.register(type) }
}
