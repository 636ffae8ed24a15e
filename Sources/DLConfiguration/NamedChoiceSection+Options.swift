extension NamedChoiceSection {
  /// The options of the chosen name.
  package var chosenOption: any ConfigurationOption {
    let type = Self.optionType(name) ?? Self.optionTypes[0]
    return type.assembled(from: options.values, given: Set(options.values.keys))
  }

  /// The options of a name that is in use beside the chosen one: those that were given, those of the
  /// chosen name, and the defaults of the first type that has them.
  package func option(of other: ChoiceName<Self>) -> any ConfigurationOption {
    guard other != name, let type = Self.optionType(other) else { return chosenOption }
    let chosen = chosenOption.node
    var values = options.values
    for (key, _) in OptionDefaults.of(type) where values[key] == nil {
      values[key] = chosen[key] ?? Self.firstDefault(key)
    }
    return type.assembled(from: values, given: Set(values.keys))
  }

  /// The value of an option, given or by default; nil where there is no such option or it has
  /// another type.
  package subscript<Value: ConfigurationReadable>(key: String) -> Value? {
    guard let node = chosenOption.node[key] ?? options.values[key] ?? Self.firstDefault(key) else {
      return nil
    }
    var faults = ConfigurationFaults()
    return Value.read(node, at: key, rule: .none, faults: &faults)
  }

  /// Chooses a type with its options.
  package mutating func choose(_ option: some ConfigurationOption) {
    name = ChoiceName(type(of: option))
    options = ChosenOptions()
    if case .mapping(let entries) = option.node.value {
      for entry in entries { options.values[entry.key] = entry.value }
    }
  }

  /// The keys that are written: those of the first versions, the shared ones and those of the names
  /// in use.
  var usedFields: ConfigurationNode {
    let chosen = chosenOption.node
    let used = Set(Self.writtenKeys + usedKeys + Self.sharedFields.map(\.key))
    let (unwritten, defaults) = (Self.unwrittenDefaults, Self())
    let fields = Self.fields.filter { field in
      guard used.contains(field.key) else { return false }
      return !unwritten.contains(field.key)
        || field.write(self).flow() != field.write(defaults).flow()
    }
    return .init(.mapping(fields.map { .init($0.key, chosen[$0.key] ?? $0.write(self)) }))
  }

  /// Sections are equal when they are written alike.
  package static func == (a: Self, b: Self) -> Bool { a.node.flow() == b.node.flow() }

  /// The keys that the types of the names in use have.
  private var usedKeys: [String] {
    ([name] + otherNames).flatMap { name in
      Self.optionType(name).map { OptionDefaults.of($0).map(\.key) } ?? []
    }
  }

  /// Faults of options: each that is not at its default though no name in use has it, and those of
  /// the types themselves.
  ///
  /// A written configuration names options of all types, so a default is no sign of a fault.
  package func optionProblems() -> [ConfigurationProblem] {
    let owners = Self.optionOwners
    let used = Set(usedKeys)
    let misplaced: [ConfigurationProblem] = Self.fields.compactMap { field in
      guard let names = owners[field.key], !used.contains(field.key),
        let value = options.values[field.key],
        value.flow() != Self.firstDefault(field.key)?.flow()
      else { return nil }
      return .init(
        field.key, "name",
        message: "only \(names.joined(separator: ", ")) \(names.count == 1 ? "has" : "have") it")
    }
    var problems = misplaced + chosenOption.problems()
    for other in Set(otherNames).subtracting([name]).sorted(by: { $0.rawValue < $1.rawValue }) {
      problems += option(of: other).problems()
    }
    return problems
  }

  /// The faults of options.
  package func problems() -> [ConfigurationProblem] { optionProblems() }
}
