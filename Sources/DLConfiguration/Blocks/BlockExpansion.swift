/// Writes the uses of blocks out.
struct BlockExpansion {
  let definitions: [BlockDefinitions.Definition]
  var faults: ConfigurationFaults
  private var budget = ConfigurationNode.maximumNodes
  /// The definitions that are being written out, the outermost first.
  private var open: [String] = []
  /// The values of the parameters of the innermost one; nil outside of any.
  private var values: [String: ConfigurationNode]?
  private var isExhausted = false

  init(definitions: [BlockDefinitions.Definition], faults: ConfigurationFaults) {
    self.definitions = definitions
    self.faults = faults
  }

  /// The tree with parameters replaced by their values, and uses by what they stand for.
  mutating func expand(_ node: ConfigurationNode, at path: String, depth: Int = 0)
    -> ConfigurationNode
  {
    budget -= 1
    guard budget >= 0, depth < ConfigurationNode.maximumDepth - 4 else {
      if !isExhausted {
        let limit =
          budget < 0
          ? "more than \(ConfigurationNode.maximumNodes) values"
          : "more than \(ConfigurationNode.maximumDepth - 4) levels"
        faults.add(path, "the blocks written out have \(limit); use fewer", at: node.place)
      }
      isExhausted = true
      return node
    }
    var result = node
    switch node.value {
    case .string(let text): return value(of: text, node, at: path, depth)
    case .list(let items): result.value = .list(expand(items, at: path, depth))
    case .mapping(let entries):
      result.value = .mapping(
        entries.map { entry in
          var entry = entry
          entry.value = expand(entry.value, at: "\(path).\(entry.key)", depth: depth + 1)
          return entry
        })
    default: break
    }
    return result
  }

  private mutating func expand(_ items: [ConfigurationNode], at path: String, _ depth: Int)
    -> [ConfigurationNode]
  {
    var result: [ConfigurationNode] = []
    for (index, item) in items.enumerated() {
      let place = "\(path).\(index)"
      if let use = use(item) {
        result.append(writtenOut(use, at: place, depth + 1))
        continue
      }
      let node = expand(item, at: place, depth: depth + 1)
      // A parameter that stands for several items gives them.
      if case .string = item.value, case .list(let several) = node.value {
        result += several
      } else {
        result.append(node)
      }
    }
    return result
  }

  /// A use of a block: its name alone, or a mapping of the name to arguments.
  private struct Use {
    let definition: BlockDefinitions.Definition
    let arguments: ConfigurationNode
    let place: ConfigurationPlace
  }

  private func use(_ item: ConfigurationNode) -> Use? {
    let word: ConfigurationNode.Entry
    switch item.value {
    case .string(let name):
      word = .init(key: name, place: item.place, value: .init(.mapping([]), at: item.place))
    case .mapping(let entries):
      let given = entries.filter { !$0.value.isRemoval }
      guard given.count == 1 else { return nil }
      word = given[0]
    default: return nil
    }
    return definitions.first { $0.name == word.key }.map {
      Use(definition: $0, arguments: word.value, place: word.place)
    }
  }

  private mutating func writtenOut(_ use: Use, at path: String, _ depth: Int) -> ConfigurationNode {
    let name = use.definition.name
    let nothing = ConfigurationNode(.null, at: use.place)
    guard !open.contains(name) else {
      let way = (open.drop { $0 != name } + [name]).joined(separator: " in ")
      faults.add(path, "block \(name) stands within itself: \(way)", at: use.place)
      return nothing
    }
    guard let values = arguments(of: use, at: "\(path).\(name)", depth) else { return nothing }
    let outer = self.values
    self.values = values
    open.append(name)
    let layers = expand(use.definition.layers, at: "\(path).\(name)", depth: depth + 2)
    open.removeLast()
    self.values = outer
    let options = ConfigurationNode(
      .mapping([.init(key: "layers", place: use.place, value: layers)]), at: use.place)
    return .init(
      .mapping([.init(key: "sequential", place: use.place, value: options)]), at: use.place)
  }

  /// The values of a block's parameters: what the use gives, itself written out, and the defaults.
  private mutating func arguments(of use: Use, at path: String, _ depth: Int)
    -> [String: ConfigurationNode]?
  {
    let before = faults.list.count
    let known = use.definition.parameters
    var values: [String: ConfigurationNode] = [:]
    switch use.arguments.value {
    case .null: break
    case .mapping(let entries):
      for entry in entries where !entry.value.isRemoval {
        let place = "\(path).\(String(entry.key.prefix(60)))"
        guard known.contains(where: { $0.key == entry.key }) else {
          let hint = suggestion(for: entry.key, in: known.map(\.key))
          faults.add(place, "the block has no such parameter, \(hint)", at: entry.place)
          continue
        }
        values[entry.key] = argument(entry.value, at: place, depth + 1)
      }
    default:
      use.arguments.mismatch("a mapping of the block's parameters", path, &faults)
    }
    for parameter in known where values[parameter.key] == nil {
      guard parameter.value.isGiven else {
        faults.add(path, "the block needs \(parameter.key), which has no default", at: use.place)
        continue
      }
      // A default stands outside of the block that uses it: it names no parameters.
      let outer = self.values
      self.values = nil
      values[parameter.key] = argument(
        parameter.value, at: "\(path).\(parameter.key)", depth + 1)
      self.values = outer
    }
    return faults.list.count == before ? values : nil
  }

  /// A value written out; a block by its name alone is one layer of that.
  private mutating func argument(_ node: ConfigurationNode, at path: String, _ depth: Int)
    -> ConfigurationNode
  {
    use(node).map { writtenOut($0, at: path, depth) } ?? expand(node, at: path, depth: depth)
  }

  /// The value of a text in a block that names parameters; any other text as it is.
  private mutating func value(
    of text: String, _ node: ConfigurationNode, at path: String, _ depth: Int
  ) -> ConfigurationNode {
    guard let values, text.utf8.contains(UInt8(ascii: "$")) else { return node }
    var expression = BlockExpression(text, values: values)
    switch expression.value() {
    case .success(.node(let value)):
      budget -= value.size
      return value
    case .success(.integer(let value)): return .init(.integer(value), at: node.place)
    case .failure(let problem):
      faults.add(path, "\(quoted(String(text.prefix(60)))): \(problem.message)", at: node.place)
      return node
    }
  }
}

extension ConfigurationNode {
  /// The number of values that it holds, itself included.
  fileprivate var size: Int {
    switch value {
    case .list(let items): items.reduce(1) { $0 + $1.size }
    case .mapping(let entries): entries.reduce(1) { $0 + $1.value.size }
    default: 1
    }
  }
}
