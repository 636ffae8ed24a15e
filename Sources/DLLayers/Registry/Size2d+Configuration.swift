import DLConfiguration
import DLTensor

/// A height and a width as a configuration writes them: `3` for both, or `[3, 5]`.
extension Size2d: ConfigurationReadable, ConfigurationValue {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }

  /// Reads an integer or a list of two.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    if case .list = node.value {
      return [Int].read(node, at: path, rule: rule.count(2), faults: &faults)
        .map { Self($0[0], $0[1]) }
    }
    return Int.read(node, at: path, rule: rule, faults: &faults).map { Self($0, $0) }
  }

  /// One integer where both are the same.
  package var node: ConfigurationNode { height == width ? height.node : [height, width].node }

  /// An integer or a list of two.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .init(["anyOf": .init(.list([Int.schema(rule), [Int].schema(rule.count(2))]))])
  }
}

/// Padding as a configuration writes it: `same`, `1`, `[1, 2]` for height and width, or
/// `[top, bottom, left, right]`.
extension Padding2d: ConfigurationReadable, ConfigurationValue {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }

  /// Reads the word, an integer, or a list of two or four.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    switch node.value {
    case .string("same"): return .same
    case .list(let items) where items.count == 4:
      return [Int].read(node, at: path, rule: rule.count(4), faults: &faults)
        .map { .sides(top: $0[0], bottom: $0[1], left: $0[2], right: $0[3]) }
    default: return Size2d.read(node, at: path, rule: rule, faults: &faults).map { .symmetric($0) }
    }
  }

  /// The shortest of the forms.
  package var node: ConfigurationNode {
    switch self {
    case .same: "same".node
    case .sides(let top, let bottom, let left, let right):
      top == bottom && left == right
        ? Size2d(top, left).node : [top, bottom, left, right].node
    }
  }

  /// The word, an integer, or a list of two or four.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .init([
      "anyOf": .init(
        .list([
          Int.schema(rule), [Int].schema(rule.count(2)), [Int].schema(rule.count(4)),
          .init(["const": "same".node]),
        ]))
    ])
  }
}

/// Padding as a configuration writes it: `same`, `1`, or `[left, right]`.
extension Padding1d: ConfigurationReadable, ConfigurationValue {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }

  /// Reads the word, an integer, or a list of two.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    if case .string("same") = node.value { return .same }
    return Size2d.read(node, at: path, rule: rule, faults: &faults)
      .map { .sides(left: $0.height, right: $0.width) }
  }

  /// The shortest of the forms.
  package var node: ConfigurationNode {
    switch self {
    case .same: "same".node
    case .sides(let left, let right): Size2d(left, right).node
    }
  }

  /// The word, an integer, or a list of two.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .init([
      "anyOf": .init(
        .list([Int.schema(rule), [Int].schema(rule.count(2)), .init(["const": "same".node])]))
    ])
  }
}

/// Factors as a configuration writes them: `2` for both, or `[2, 1.5]`.
extension Scale2d: ConfigurationReadable, ConfigurationValue {
  /// The form that the members below make.
  public static var form: ConfigurationForm<Self> { .init() }

  /// Reads a number or a list of two.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    if case .list = node.value {
      return [Double].read(node, at: path, rule: rule.count(2), faults: &faults)
        .map { Self($0[0], $0[1]) }
    }
    return Double.read(node, at: path, rule: rule, faults: &faults).map { Self($0, $0) }
  }

  /// One number where both are the same.
  package var node: ConfigurationNode { height == width ? height.node : [height, width].node }

  /// A number or a list of two.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .init(["anyOf": .init(.list([Double.schema(rule), [Double].schema(rule.count(2))]))])
  }
}
