import DLConfiguration
import DLTensor

/// A height and a width as a configuration writes them: `3` for both, or `[3, 5]`.
extension Size2d: ConfigurationReadable {
  /// Reads an integer or a list of two.
  public static func read(
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
  public var node: ConfigurationNode { height == width ? height.node : [height, width].node }

  /// An integer or a list of two.
  public static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    .init(["anyOf": .init(.list([Int.schema(rule), [Int].schema(rule.count(2))]))])
  }
}
