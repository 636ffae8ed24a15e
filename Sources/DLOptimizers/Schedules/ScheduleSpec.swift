import DLConfiguration

/// A schedule that a configuration can name: its options, and how it is made from them.
///
/// A file in `Schedules` holds the schedule with its spec, and ``ScheduleRegistry`` lists it. The
/// warm-up before it is every schedule's.
public protocol ScheduleSpec: ConfigurationOption {
  /// Makes the schedule of the steps behind the warm-up.
  func makeSchedule(over run: ScheduleSpan) -> any Schedule

  /// Makes what reduces the rate after validations; nil for nothing.
  ///
  /// - Throws: `OptimizerError` on values outside their range.
  func makePlateauReduction() throws -> PlateauReduction?
}

extension ScheduleSpec {
  /// No options.
  public static var fields: [ConfigurationField<Self>] { [] }

  /// Gives nil: validations change nothing.
  public func makePlateauReduction() -> PlateauReduction? { nil }

  /// A fault unless one of two keys is given.
  package static func oneOf(_ first: String, _ second: String, isOne: Bool)
    -> [ConfigurationProblem]
  {
    let message = "\(word) needs either \(first) or \(second)"
    return isOne ? [] : [.init("name", first, second, message: message)]
  }
}

/// The steps of a run that a schedule covers.
public struct ScheduleSpan: Sendable {
  /// The steps of the warm-up, which come before the schedule's own.
  public let warmup: Int
  /// The steps behind the warm-up.
  public let remaining: Int
  /// The steps of an epoch.
  public let stepsPerEpoch: Int

  /// Describes a run.
  package init(warmup: Int, remaining: Int, stepsPerEpoch: Int) {
    self.warmup = warmup
    self.remaining = remaining
    self.stepsPerEpoch = stepsPerEpoch
  }

  /// Epochs as steps, rounded.
  public func steps(_ epochs: Double) -> Int { stepCount(epochs: epochs, stepsPerEpoch) }
}

/// Epochs as steps, rounded.
package func stepCount(epochs: Double, _ stepsPerEpoch: Int) -> Int {
  Int(min((epochs * Double(stepsPerEpoch)).rounded(), 1e15))
}

/// The schedules that a configuration can name.
public enum ScheduleRegistry {
  /// Those that come with dltrain; a new one adds its own here.
  package static let builtIn: [any ScheduleSpec.Type] = [
    ConstantSpec.self,
    StepSpec.self,
    MultiStepSpec.self,
    ExponentialSpec.self,
    PolynomialSpec.self,
    CosineSpec.self,
    CosineRestartSpec.self,
    OneCycleSpec.self,
    InverseSquareRootSpec.self,
    ReduceOnPlateauSpec.self,
    WSDSpec.self,
  ]

  private static let registry = TypeRegistry("schedule", builtIn) { ($0.word, $0) }

  /// All schedules, a program's own after those of dltrain.
  package static var all: [any ScheduleSpec.Type] { registry.all }

  /// Makes a schedule of a program's own known to every configuration that is read from now on.
  ///
  /// - Throws: `RegistryError` where another type has the same name.
  public static func register(_ type: any ScheduleSpec.Type) throws { try registry.register(type) }
}
