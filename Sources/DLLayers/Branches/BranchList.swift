import DLConfiguration
import DLTensor

/// Chains beside each other as a configuration writes them: a list of lists of layers, or a mapping
/// from their names to lists of layers.
///
/// An empty list of layers is the identity.
package struct BranchList: ConfigurationValue {
  /// The branches' names, in the order of the file; nil for branches that go by their numbers.
  package var names: [String]?
  /// The layers of each branch.
  package var chains: [[LayerConfiguration]]

  /// Makes branches that go by their numbers.
  package init(_ chains: [[LayerConfiguration]] = []) { self.chains = chains }

  /// Reads a list or a mapping of at least one branch.
  package static func read(
    _ node: ConfigurationNode, at path: String, rule: ConfigurationRule,
    faults: inout ConfigurationFaults
  ) -> Self? {
    let written: [(name: String, place: ConfigurationPlace, layers: ConfigurationNode)]
    var result = Self()
    switch node.value {
    case .list(let items): written = items.enumerated().map { ("\($0)", $1.place, $1) }
    case .mapping(let entries):
      let given = entries.filter { !$0.value.isRemoval }
      written = given.map { ($0.key, $0.place, $0.value) }
      result.names = given.map(\.key)
    default:
      node.mismatch("a list of branches or a mapping of named ones", path, &faults)
      return nil
    }
    guard !written.isEmpty else {
      faults.add(path, "expected at least one branch", at: node.place)
      return nil
    }
    var isWhole = true
    for (name, place, layers) in written {
      if result.names != nil, !isModuleName(name) {
        let message =
          "\(quoted(String(name.prefix(60)))) names no branch: expected a letter or _, then letters, "
          + "digits or _"
        faults.add(path, message, at: place)
        isWhole = false
      } else if let chain = [LayerConfiguration].read(
        layers, at: "\(path).\(name)", rule: .none, faults: &faults)
      {
        result.chains.append(chain)
      } else {
        isWhole = false
      }
    }
    return isWhole ? result : nil
  }

  /// A list, or a mapping in the order of the branches.
  package var node: ConfigurationNode {
    guard let names else { return .init(.list(chains.map(\.node))) }
    return .init(.mapping(zip(names, chains).map { .init($0, $1.node) }))
  }

  /// A list of lists of layers, or an object of them.
  package static func schema(_ rule: ConfigurationRule) -> ConfigurationNode {
    let chain = [LayerConfiguration].schema(.none)
    return .init([
      "anyOf": .init(
        .list([
          .typed("array", [.init("items", chain), .init("minItems", 1.node)]),
          .typed("object", [.init("additionalProperties", chain), .init("minProperties", 1.node)]),
        ]))
    ])
  }

  /// Makes the branches for inputs of shape `[batch] + input`.
  ///
  /// - Throws: ``TensorError`` with the path of the first layer that does not take what comes before
  ///   it.
  func sequentials(for input: Shape) throws -> [Sequential] {
    try chains.enumerated().map { index, chain in
      try LayerConfiguration.chain(chain, input: input, path: names?[index] ?? "\(index)")
    }
  }
}

/// Returns whether a name may be that of a module: it is one part of a parameter's path.
private func isModuleName(_ name: String) -> Bool {
  let letters = name.utf8.map { byte in
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
  }
  let digits = name.utf8.map { (0x30...0x39).contains($0) }
  return letters.first == true && zip(letters, digits).allSatisfy { $0 || $1 }
    && letters.count <= 60
}
