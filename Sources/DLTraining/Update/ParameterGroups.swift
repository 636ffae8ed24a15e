import DLLayers
import DLOptimizers
import DLTensor

/// The settings that each parameter of a phase goes by.
struct ParameterGroups {
  /// The update of the phase's slice of the arena.
  let update: ArenaUpdate
  /// The parameters that are not trained, by their index in the arena.
  let frozen: Set<Int>

  /// Divides `parameters` of the arena by the patterns of a configuration.
  ///
  /// - Throws: `TensorError` where a pattern matches nothing, or nothing is left to train.
  init(
    _ configuration: OptimizerConfiguration, arena: ParameterArena, parameters: Range<Int>,
    shards: ShardLayout
  ) throws {
    let names = ParameterNames(arena)
    let choices = try configuration.groups.map { group in
      try names.matching(group.match, in: parameters, key: "groups")
    }
    let undecayed = try configuration.noDecay.reduce(into: Set<Int>()) {
      $0.formUnion(try names.matching($1, in: parameters, key: "no_decay"))
    }
    var keys: [Key] = []
    let start = arena.elements(of: parameters).lowerBound
    var frozen: Set<Int> = []
    let depths = configuration.layerDecay.map {
      LayerDepths(arena, parameters, decay: $0)
    }
    let members = parameters.map { index in
      let group = choices.firstIndex { $0.contains(index) }
      let isFrozen =
        arena.parameters[index].isFrozen || group.map { configuration.groups[$0].frozen } ?? false
      let factor = depths?.rateFactor(of: index - parameters.lowerBound) ?? 1
      let key = Key(
        group: group, decays: !undecayed.contains(index), isFrozen: isFrozen,
        rateFactor: isFrozen ? 1 : factor)
      let place = keys.firstIndex(of: key) ?? keys.count
      if place == keys.count { keys.append(key) }
      if isFrozen { frozen.insert(index) }
      let first = arena.offsets[index] - start
      let parameter = arena.parameters[index]
      return ArenaUpdate.Member(
        first..<first + parameter.shape.count, group: place, matrix: parameter.matrix)
    }
    guard frozen.count < parameters.count || parameters.isEmpty else {
      throw TensorError(op: "optimizer.groups", "all parameters are frozen, nothing is trained")
    }
    self.frozen = frozen
    let groups = try keys.map { key in
      let group = key.group.map { configuration.groups[$0] }
      return ArenaUpdate.Group(
        rule: try configuration.makeOptimizer(group, decays: key.decays),
        learningRate: (group?.lr ?? configuration.lr) * key.rateFactor, isFrozen: key.isFrozen)
    }
    for (index, member) in zip(parameters, members)
    where groups[member.group].takesOnlyMatrices && member.matrix == nil {
      let parameter = arena.parameters[index]
      guard frozen.contains(index) else {
        let group = keys[member.group].group.map { configuration.groups[$0] }
        let rule = (group?.name ?? configuration.name).rawValue
        throw TensorError(
          op: "optimizer",
          "\(rule) takes matrices, \(parameter.name) has the shape \(parameter.shape); give such "
            + "parameters a rule in groups, as {match: \"bias|norm\", name: adamw, lr: 0.001}")
      }
    }
    let states = ArenaUpdate.states(of: groups).names
    guard states.count <= StatePointers.capacity else {
      throw TensorError(
        op: "optimizer.groups",
        "these rules keep \(states.count) numbers for each parameter (\(states.joined(separator: ", "))), "
          + "of \(StatePointers.capacity) possible; take fewer rules")
    }
    update = ArenaUpdate(
      groups: groups, members: members,
      cuts: shards.buckets.flatMap(\.bounds).map { $0 - start })
  }

  /// The key that tells the settings of one parameter from those of another.
  private struct Key: Hashable {
    let group: Int?
    let decays: Bool
    let isFrozen: Bool
    /// The factor of the rate for the layer's depth.
    let rateFactor: Double
  }
}

/// The names of an arena's parameters, and what kind each is of.
struct ParameterNames {
  private let names: [[String]]
  private let norms: Set<String>

  init(_ arena: ParameterArena) {
    // A tied parameter goes by any of its names.
    names = arena.parameters.map { parameter in
      [parameter.name]
        + arena.tiedNames.filter { $0.parameter === parameter }.map(\.name)
    }
    norms = Set(arena.modules.filter { $0 is any Normalization }.map(\.path))
  }

  /// The parameters that match one of the alternatives of a pattern.
  func matching(_ text: String, in parameters: Range<Int>, key: String) throws -> Set<Int> {
    var found: Set<Int> = []
    for alternative in ParameterPattern(text).alternatives {
      let isMatch: (String) -> Bool
      switch alternative {
      case "bias": isMatch = { isBias($0) }
      case "norm": isMatch = { norms.contains(ParameterNames.module(of: $0)) }
      default: isMatch = { ParameterPattern(alternative).matches($0) }
      }
      let matches = parameters.filter { names[$0].contains(where: isMatch) }
      // A network without biases or norms is no mistake; a name that is not there is.
      guard !matches.isEmpty || ["bias", "norm"].contains(alternative) else {
        let examples = parameters.prefix(3).compactMap { names[$0].first }.joined(separator: ", ")
        throw TensorError(
          op: "optimizer.\(key)",
          "\"\(alternative)\" matches no parameter; their names are like \(examples)")
      }
      found.formUnion(matches)
    }
    return found
  }

  /// `bias`, and `bias_ih_l0` of a recurrent layer.
  private func isBias(_ name: String) -> Bool {
    let last = name.split(separator: ".").last ?? ""
    return last == "bias" || last.hasPrefix("bias_")
  }
}

extension Parameter {
  /// The matrix that it is, a convolution that of PyTorch's first axis and all others; nil where it
  /// is none.
  fileprivate var matrix: MatrixShape? {
    switch layout {
    case .plain: return shape.rank == 2 ? MatrixShape(rows: shape[0], columns: shape[1]) : nil
    case .transposed:
      return MatrixShape(rows: shape[0], columns: shape[1], isTransposed: true)
    case .convolution:
      return MatrixShape(
        rows: shape.dimensions.dropLast().reduce(1, *), columns: shape[-1], isTransposed: true)
    }
  }
}
