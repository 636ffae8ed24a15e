/// The conditions that a value must keep to, beyond its type.
public struct ConfigurationRule: Sendable {
  var minimum: Double?
  var exclusiveMinimum: Double?
  var maximum: Double?
  var exclusiveMaximum: Double?
  var count: Int?
  var isPath = false
  var exemptPrefixes: [String] = []
  var allowsSeveral = false

  /// No rule; integers still stay below 2^31, and numbers are finite.
  public static let none = ConfigurationRule()
  /// A path, relative to the file that names it.
  public static let path = ConfigurationRule(isPath: true)
  /// A path, unless it starts with a prefix that marks another kind of name.
  public static func path(unless prefix: String) -> Self {
    .init(isPath: true, exemptPrefixes: [prefix])
  }
  /// The same rule for a path, or a list of them, which becomes `{FIRST,SECOND}`.
  public var several: Self {
    var rule = self
    rule.allowsSeveral = true
    return rule
  }
  /// At least a value.
  public static func atLeast(_ minimum: Double) -> Self { .init(minimum: minimum) }
  /// More than a value.
  public static func above(_ minimum: Double) -> Self { .init(exclusiveMinimum: minimum) }
  /// Within a closed range.
  public static func within(_ range: ClosedRange<Double>) -> Self {
    .init(minimum: range.lowerBound, maximum: range.upperBound)
  }
  /// Within a half-open range.
  public static func within(_ range: Range<Double>) -> Self {
    .init(minimum: range.lowerBound, exclusiveMaximum: range.upperBound)
  }
  /// The same rule for a list of so many elements.
  package func count(_ count: Int) -> Self {
    var rule = self
    rule.count = count
    return rule
  }

  func admits(_ value: Double) -> Bool {
    value.isFinite && value >= minimum ?? -.infinity && value <= maximum ?? .infinity
      && value > exclusiveMinimum ?? -.infinity && value < exclusiveMaximum ?? .infinity
  }

  /// ` of at least 1 and at most 3`, or nothing.
  package var described: String {
    let parts = [
      minimum.map { "at least \(short($0))" }, exclusiveMinimum.map { "more than \(short($0))" },
      maximum.map { "at most \(short($0))" }, exclusiveMaximum.map { "less than \(short($0))" },
    ].compactMap { $0 }
    return parts.isEmpty ? "" : " of " + parts.joined(separator: " and ")
  }

  var schema: [ConfigurationNode.Entry] {
    [
      ("minimum", minimum), ("exclusiveMinimum", exclusiveMinimum), ("maximum", maximum),
      ("exclusiveMaximum", exclusiveMaximum),
    ].compactMap { key, value in value.map { .init(key, .init(.number($0))) } }
  }
}

private func short(_ value: Double) -> String {
  Int(exactly: value).map(String.init) ?? yamlText(value)
}
