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
  /// Objects on images, five numbers each: a class, and the edges left, top, right, bottom; of a class below 0, or
  /// zeros, where there is none.
  case objects(classes: Int)

  /// Returns whether five numbers are an object of one of so many classes, or none.
  package static func isObject(_ numbers: some RandomAccessCollection<Double>, classes: Int) -> Bool
  {
    let five = Array(numbers)
    guard five.count == 5, five[0] >= 0, five.contains(where: { $0 != 0 }) else {
      return five.count == 5 && five.allSatisfy { !$0.isNaN }
    }
    return Int(exactly: five[0]).map { $0 < classes } == true && five[3] > five[1]
      && five[4] > five[2]
  }

  /// The bounds of every single value; nil where there are none.
  package var bounds: ClosedRange<Double>? {
    switch self {
    case .any, .finite, .objects: nil
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
    case .objects(let classes): "boxes of some pixels, with classes 0 to \(max(classes, 1) - 1)"
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
