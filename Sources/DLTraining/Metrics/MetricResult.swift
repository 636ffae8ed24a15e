import DLCore
import DLFormats

/// The result of a metric over a data set.
public struct MetricResult: Sendable, Equatable {
  /// The forms that a result has.
  public enum Content: Sendable, Equatable {
    /// One number.
    case number(Double)
    /// A share of a whole that is counted.
    case share(Int, of: Int)
    /// A number for each class.
    case perClass([Double])
    /// Counts, row by row.
    case matrix([[Int]])
  }

  /// The name in tables and in metrics.jsonl.
  public let name: String
  /// The result itself.
  public let content: Content
  /// True if more is better.
  public let higherIsBetter: Bool

  /// Makes a result.
  public init(_ name: String, _ content: Content, higherIsBetter: Bool) {
    self.name = name
    self.content = content
    self.higherIsBetter = higherIsBetter
  }

  /// Makes the result of one number.
  public init(_ name: String, _ value: Double, higherIsBetter: Bool) {
    self.init(name, .number(value), higherIsBetter: higherIsBetter)
  }

  /// The one number that it is; nil for several.
  public var value: Double? {
    switch content {
    case .number(let value): value
    case .share(let part, let whole): whole > 0 ? Double(part) / Double(whole) : .nan
    case .perClass, .matrix: nil
    }
  }

  /// True if a model can be chosen by it.
  package var isNumber: Bool { value != nil }

  /// Its member of a line of metrics.jsonl.
  var member: JSON.Member {
    switch content {
    case .number, .share: .init(name, .number(value ?? .nan))
    case .perClass(let values): .init(name, .array(values.map { .number($0) }))
    case .matrix(let rows): .init(name, .array(rows.map { .array($0.map { .integer($0) }) }))
    }
  }

  /// The name as a title.
  package var title: String { name.replacing("_", with: " ") }
}
