import DLConfiguration

/// A condition that each of some parameters is to keep.
package struct ConstraintConfiguration: ConfigurationSection {
  /// A way of keeping a condition.
  package enum Method: String, ConfigurationWord {
    /// After each update parameters go to the nearest point that keeps it.
    case projection
    /// The square of what is beyond it is added to the loss.
    case penalty
    /// A penalty with Lagrange multipliers, which come to what keeps it exactly.
    case multipliers
  }

  /// The parameters: a pattern over their names, `bias`, `norm`, or several parted by `|`.
  package var match = ""
  /// The largest Euclidean norm of each; nil for any.
  package var maxNorm: Double?
  /// The sum of the elements of each; nil for any.
  package var sum: Double?
  /// True if no element is below 0.
  package var nonnegative = false
  /// The way in which the condition is kept.
  package var by = Method.projection
  /// The factor of half the square, and the step of the multipliers.
  package var weight = 1.0
  /// Updates of the parameters between two of the multipliers.
  package var every = 1

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "match", \.match, required: true,
        "parameter names with * for any characters, or bias, or norm; alternatives parted by |"),
      .init("max_norm", \.maxNorm, .above(0), "largest Euclidean norm of each of them"),
      .init("sum", \.sum, "sum of the elements of each of them"),
      .init("nonnegative", \.nonnegative, "whether no element is below 0"),
      .init("by", \.by, "projection, penalty or multipliers (an augmented Lagrangian)"),
      .init(
        "weight", \.weight, .above(0), "what half the square of what is beyond counts in the loss"),
      .init("every", \.every, .atLeast(1), "updates between two of the multipliers"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    let given = [maxNorm != nil, sum != nil, nonnegative].count { $0 }
    guard given != 1 else { return [] }
    return [
      .init(
        "match", "max_norm", "sum", "nonnegative",
        message: "give one of max_norm, sum and nonnegative, another constraint for another")
    ]
  }

  /// One condition at a time.
  package static var alternatives: [[String]] { [["max_norm", "sum", "nonnegative"]] }
}
