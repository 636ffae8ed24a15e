import DLCore

/// A hyperparameter outside the range in which its update rule is defined.
package struct OptimizerError: DLError, Hashable {
  /// The rule's name.
  package let optimizer: String

  /// The hyperparameter's name in a configuration.
  package let parameter: String

  /// The value that was given.
  package let value: Double

  /// The values that the rule asks for.
  package let expected: String

  /// A fault of the configuration.
  package var exitCode: ExitCode { .usage }

  /// One line: the fault, its place and the remedy.
  package var description: String {
    "optimizer.\(parameter) is \(value); \(optimizer) needs \(expected)"
  }
}

/// Checks the hyperparameters of one update rule.
struct HyperparameterCheck {
  let optimizer: String

  func nonNegative(_ value: Double, _ parameter: String) throws {
    try require(value >= 0 && value.isFinite, value, parameter, "a finite number, 0 or more")
  }

  /// A decay rate: 1 would divide by zero in the bias correction and keep the state for ever.
  func rate(_ value: Double, _ parameter: String) throws {
    try require(value >= 0 && value < 1, value, parameter, "a number in [0, 1)")
  }

  func require(_ holds: Bool, _ value: Double, _ parameter: String, _ expected: String) throws {
    guard holds else {
      throw OptimizerError(
        optimizer: optimizer, parameter: parameter, value: value, expected: expected)
    }
  }
}
