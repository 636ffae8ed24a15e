/// The values that a loss takes as labels, or a layer as inputs.
///
/// Data are compared with it before anything is computed from them, since arithmetic would go on
/// with any number.
public enum ValueDomain: Sendable, Hashable {
  /// Whatever there is, NaN too.
  case any
  /// Every finite number.
  case finite
  /// Numbers from a least to a greatest.
  case within(ClosedRange<Double>)
  /// Numbers from 0 to 1, but for what rounding in float32 leaves of a sum of 1.
  case probabilities
  /// Logarithms of probabilities: 0 or less, but for rounding.
  case logProbabilities
  /// Integers from 0 to one less than `count`, and one that does not count.
  case indices(count: Int, ignored: Int32? = nil)
  /// Rows of classes, filled up at the end with the blank; each needs a time step for every label
  /// and one between two equal ones, and has `steps`, nil for as many as it needs.
  case sequences(classes: Int, blank: Int, steps: Int?)

  /// The bounds of every single value; nil where there are none.
  package var bounds: ClosedRange<Double>? {
    switch self {
    case .any, .finite: nil
    case .within(let range): range
    case .probabilities: 0...1 + ValueDomain.rounding
    case .logProbabilities: -Double.greatestFiniteMagnitude...ValueDomain.rounding
    case .indices(let count, _), .sequences(let count, _, _): 0...Double(max(count, 1) - 1)
    }
  }

  /// The value that may lie outside the bounds.
  package var exception: Int32? {
    if case .indices(_, let ignored) = self { ignored } else { nil }
  }

  /// The bounds in words, as in "0 to 1".
  package var text: String {
    switch self {
    case .any, .finite: "finite numbers"
    case .within(let range):
      "\(ValueDomain.plain(range.lowerBound)) to \(ValueDomain.plain(range.upperBound))"
    case .probabilities: "0 to 1"
    case .logProbabilities: "logarithms of probabilities, 0 or less"
    case .indices(let count, _), .sequences(let count, _, _): "0 to \(max(count, 1) - 1)"
    }
  }

  private static let rounding = 1e-5

  private static func plain(_ value: Double) -> String {
    Int(exactly: value).map(String.init) ?? "\(value)"
  }
}
