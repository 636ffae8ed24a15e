import DLConfiguration
import DLTensor

/// One rule for first values: `kaiming_normal`, or `{normal: {std: 0.02}}`.
package struct InitializerConfiguration: ConfigurationChoice {
  /// The rule.
  let spec: any InitializerSpec

  /// Makes the choice of a rule.
  package init?(option: any ConfigurationOption, line: Int) {
    guard let spec = option as? any InitializerSpec else { return nil }
    self.spec = spec
  }

  /// The rule, whose properties are its options.
  package var option: any ConfigurationOption { spec }
  /// The types in ``InitializerSpecs``.
  package static var optionTypes: [any ConfigurationOption.Type] { InitializerSpecs.all }
  /// A rule.
  package static var noun: String { "initializer" }
  /// Two rules.
  package static var example: String { "kaiming_normal or {normal: {std: 0.02}}" }
}

/// The key `init` of a layer: how its parameters start.
///
/// One rule is for all parameters that are no bias, a rule that counts inputs and outputs for those
/// with two axes or more; a mapping names parameters, as in `{weight: xavier_uniform, bias: zeros}`,
/// by their whole path within the layer or its end. What a layer within the layer says itself comes
/// first. Counterpart: `torch.nn.init`.
package struct ParameterStart: ConfigurationValue {
  /// The rules, each with the parameters that it is for; nil for all that are no bias.
  let rules: [(name: String?, rule: InitializerConfiguration)]

  /// Starts are equal when they are written alike.
  package static func == (a: Self, b: Self) -> Bool {
    a.rules.map(\.name) == b.rules.map(\.name) && a.rules.map(\.rule) == b.rules.map(\.rule)
  }

  /// Reads a rule, or a mapping from parameters to rules.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    let words = InitializerSpecs.all.map { $0.word }
    guard case .mapping(let entries) = node.value, !entries.isEmpty,
      !entries.contains(where: { words.contains($0.key) })
    else {
      return InitializerConfiguration.read(node, at: path, rule: .none, faults: &faults)
        .map { Self(rules: [(nil, $0)]) }
    }
    let given = entries.filter { !$0.value.isRemoval }
    let rules = given.compactMap { entry in
      InitializerConfiguration.read(
        entry.value, at: "\(path).\(entry.key)", rule: .none, faults: &faults
      ).map { (name: Optional(entry.key), rule: $0) }
    }
    return rules.count == given.count ? Self(rules: rules) : nil
  }

  /// The rule, or the mapping.
  package var node: ConfigurationNode {
    if rules.count == 1, rules[0].name == nil { return rules[0].rule.node }
    return .init(.mapping(rules.map { .init($0.name ?? "", $0.rule.node) }))
  }

  /// A rule, or an object of rules.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    let one = InitializerConfiguration.schema(.none)
    return .init([
      "anyOf": .init(.list([one, .typed("object", [.init("additionalProperties", one)])]))
    ])
  }

  /// Gives the parameters of a layer their rules.
  ///
  /// - Throws: ``TensorError`` where the layer has no parameter that is meant.
  package func apply(to layer: any Layer) throws {
    let all = layer.namedParameters()
    for (name, rule) in rules {
      let meant = all.filter { ParameterStart.isMeant($0.name, by: name) }
      guard !meant.isEmpty else {
        let names = all.map(\.name).prefix(8).joined(separator: ", ")
        throw TensorError(
          op: "init",
          all.isEmpty
            ? "the layer has no parameters; leave init out"
            : "no parameter is meant by \(name ?? rule.word); there are: \(names)")
      }
      let fit = meant.filter { !type(of: rule.spec).needsMatrix || $0.parameter.shape.rank >= 2 }
      guard !fit.isEmpty, name == nil || fit.count == meant.count else {
        throw TensorError(
          op: "init",
          "\(rule.word) needs a parameter of two axes or more, \(meant[0].name) has shape "
            + "\(meant[0].parameter.shape); use normal, uniform or constant")
      }
      for (_, parameter) in fit where !parameter.isStartChosen {
        parameter.initializer = .rows(
          rule.spec.initializer, zero: parameter.initializer.zeroRow)
      }
    }
    // Only now: a name and all parameters may both mean one.
    for (name, _) in rules {
      for (path, parameter) in all where ParameterStart.isMeant(path, by: name) {
        parameter.isStartChosen = true
      }
    }
  }

  private static func isMeant(_ path: String, by name: String?) -> Bool {
    if let name { return path == name || path.hasSuffix("." + name) }
    return !(path.split(separator: ".").last ?? "").contains("bias")
  }
}
