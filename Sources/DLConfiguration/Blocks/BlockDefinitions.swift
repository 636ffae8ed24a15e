/// Pieces of a network that a configuration defines once, with parameters, and uses like words.
///
///     blocks: {basic: {parameters: {out: 64, stride: 1}, layers: [{conv2d: {out: $out, kernel: 3}}]}}
///     layers: [{basic: {out: 128}}, basic]
///
/// Each use is replaced by `{sequential: {layers: [...]}}` before the layers are read, so that no
/// reader knows of blocks, and what is written is whole in itself. In the layers of a definition
/// `$out` and `${out}` stand for the parameter's value, of whatever type, and `2 * $out` is computed
/// with whole numbers. A list in place of one of a list's items gives its items.
package struct BlockDefinitions {
  /// A piece of a network.
  struct Definition {
    let name: String
    let place: ConfigurationPlace
    /// Names with defaults; null for a value that each use has to give.
    let parameters: [ConfigurationNode.Entry]
    let layers: ConfigurationNode
  }

  var definitions: [Definition] = []

  /// Reads the mapping of definitions; nil where there are faults in it.
  ///
  /// - Parameter reserved: words that name layers already.
  package init?(
    _ node: ConfigurationNode, at path: String, reserved: [String],
    faults: inout ConfigurationFaults
  ) {
    guard case .mapping(let entries) = node.value else {
      node.mismatch("a mapping of blocks, as in {basic: {layers: [...]}}", path, &faults)
      return nil
    }
    let before = faults.list.count
    for entry in entries where !entry.value.isRemoval {
      let path = "\(path).\(String(entry.key.prefix(60)))"
      guard isBlockName(entry.key) else {
        faults.add(path, "expected a name of letters, digits and _", at: entry.place)
        continue
      }
      guard !reserved.contains(entry.key) else {
        faults.add(path, "\(entry.key) is a layer; give the block another name", at: entry.place)
        continue
      }
      if let definition = Definition(entry, at: path, faults: &faults) {
        definitions.append(definition)
      }
    }
    guard faults.list.count == before else { return nil }
  }

  /// The layers with all uses of blocks written out; nil where there are faults.
  package func expanding(
    _ layers: ConfigurationNode, at path: String, faults: inout ConfigurationFaults
  ) -> ConfigurationNode? {
    var expansion = BlockExpansion(definitions: definitions, faults: faults)
    let result = expansion.expand(layers, at: path)
    defer { faults = expansion.faults }
    return expansion.faults.list.count == faults.list.count ? result : nil
  }
}

extension BlockDefinitions.Definition {
  fileprivate init?(
    _ entry: ConfigurationNode.Entry, at path: String, faults: inout ConfigurationFaults
  ) {
    guard case .mapping(let keys) = entry.value.value else {
      entry.value.mismatch("a mapping with layers, and parameters if it has any", path, &faults)
      return nil
    }
    var parameters: [ConfigurationNode.Entry] = []
    var layers: ConfigurationNode?
    for key in keys where !key.value.isRemoval {
      switch (key.key, key.value.value) {
      case ("parameters", .mapping(let given)):
        parameters = given
        for parameter in given where !isBlockName(parameter.key) {
          faults.add(
            "\(path).parameters",
            "\(quoted(String(parameter.key.prefix(60)))) is no name: expected "
              + "letters, digits and _", at: parameter.place)
          return nil
        }
      case ("parameters", .null): break
      case ("parameters", _):
        key.value.mismatch("a mapping of names with defaults", "\(path).parameters", &faults)
        return nil
      case ("layers", .list): layers = key.value
      case ("layers", _):
        key.value.mismatch("a list of layers", "\(path).layers", &faults)
        return nil
      default:
        let hint = suggestion(for: key.key, in: ["parameters", "layers"])
        faults.add("\(path).\(String(key.key.prefix(60)))", "unknown key, \(hint)", at: key.place)
        return nil
      }
    }
    guard let layers else {
      faults.add("\(path).layers", "missing: the layers of the block", at: entry.place)
      return nil
    }
    self.init(name: entry.key, place: entry.place, parameters: parameters, layers: layers)
  }
}

/// A letter or _, then letters, digits or _.
func isBlockName(_ name: String) -> Bool {
  guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
  return name.utf8.count <= 60 && name.utf8.allSatisfy(isBlockNameByte)
}

/// Returns whether a byte may stand in the name of a block or a parameter.
func isBlockNameByte(_ byte: UInt8) -> Bool {
  (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    || byte == UInt8(ascii: "_")
}

extension BlockDefinitions {
  /// The JSON Schema of the definitions; what stands in for numbers is known only where they are used.
  package static var schema: ConfigurationNode {
    let block = ConfigurationNode.typed(
      "object",
      [
        .init("additionalProperties", false.node),
        .init(
          "properties",
          .init(["parameters": .typed("object"), "layers": .typed("array")])),
        .init("required", ["layers"].node),
      ])
    return .typed(
      "object",
      [
        .init("description", "layers with parameters that are used like words".node),
        .init("additionalProperties", block),
      ])
  }
}
