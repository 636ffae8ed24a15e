import DLTensor

/// The update of a whole arena: which tensor goes by which rule and rate.
///
/// One-phase rules run over ranges as long as the neighbors share a group; those that go by whole
/// tensors take them in fixed blocks, so that results do not depend on how the arena is shared out.
/// Gaps between tensors hold zeros and may fall into a range.
package struct ArenaUpdate: Sendable {
  /// Elements per partial sum; fixed, so that results do not depend on who made which.
  package static let blockSize = 16_384

  /// The parameters that share a rule, as one of `torch.optim.Optimizer.param_groups`.
  package struct Group: Sendable {
    /// The rule.
    package let rule: any Optimizer

    /// The learning rate before the schedule.
    package let learningRate: Double

    /// True if parameters and state stay as they are.
    package let isFrozen: Bool

    /// True if the rule is for matrices alone.
    package var takesOnlyMatrices: Bool { (rule as? any MatrixOptimizer)?.takesVectors == false }

    /// Describes a group.
    package init(rule: any Optimizer, learningRate: Double, isFrozen: Bool = false) {
      self.rule = rule
      self.learningRate = learningRate
      self.isFrozen = isFrozen
    }
  }

  /// A tensor's place in the arena.
  package struct Member: Sendable, Hashable {
    /// Its elements.
    package let range: Range<Int>

    /// The index of its group.
    package let group: Int

    /// Its shape as a matrix; nil for a tensor of one axis.
    package let matrix: MatrixShape?

    /// Describes a tensor.
    package init(_ range: Range<Int>, group: Int, matrix: MatrixShape? = nil) {
      self.range = range
      self.group = group
      self.matrix = matrix
    }
  }

  /// The groups by index.
  package let groups: [Group]

  /// The tensors in the order of the arena.
  package let members: [Member]

  /// PyTorch's keys of the state that any group's rule keeps.
  package let stateNames: [String]

  /// Members of one group, which is not frozen: neighbors, or all where the rule goes by whole
  /// tensors, so that a step adds up their numbers at once.
  struct Run {
    var members: [Int]
    let group: Int
    let rule: Rule
  }

  /// A rule by what its step needs.
  enum Rule {
    case elements(any SliceOptimizer)
    case norms(any TensorNormOptimizer)
    case matrices(any MatrixOptimizer)

    /// Sorts a rule; nil for one that takes its steps elsewhere.
    init?(_ rule: any Optimizer) {
      switch rule {
      case let rule as any TensorNormOptimizer: self = .norms(rule)
      case let rule as any MatrixOptimizer: self = .matrices(rule)
      case let rule as any SliceOptimizer: self = .elements(rule)
      default: return nil
      }
    }
  }

  /// The states of each group's rule, by their places in ``stateNames``.
  let states: [[Int]]

  /// The members that several ranks own parts of.
  let isShared: [Bool]

  let workspace = UpdateWorkspace()

  private let runs: [Run]

  /// Plans the update of tensors that do not overlap, in ascending order.
  ///
  /// - Parameter cuts: where the shares of two ranks meet.
  package init(groups: [Group], members: [Member], cuts: [Int] = []) {
    precondition(members.allSatisfy { groups.indices.contains($0.group) }, "no such group")
    precondition(
      zip(members, members.dropFirst()).allSatisfy { $0.range.upperBound <= $1.range.lowerBound },
      "the tensors of an arena overlap")
    precondition(
      members.allSatisfy {
        let group = groups[$0.group]
        return !group.takesOnlyMatrices || group.isFrozen || $0.matrix?.count == $0.range.count
      }, "the rule takes matrices")
    self.groups = groups
    self.members = members
    (stateNames, states) = ArenaUpdate.states(of: groups)
    precondition(stateNames.count <= StatePointers.capacity, "too many states")
    isShared = members.map { member in
      cuts.contains { member.range.lowerBound < $0 && $0 < member.range.upperBound }
    }
    var runs: [Run] = []
    for (index, member) in members.enumerated() where !groups[member.group].isFrozen {
      guard let rule = Rule(groups[member.group].rule) else { continue }
      let isWhole = groups[member.group].rule.granularity != .element
      let place = runs.lastIndex { $0.group == member.group }
      if let place, isWhole || runs[place].members.last == index - 1 {
        runs[place].members.append(index)
      } else {
        runs.append(Run(members: [index], group: member.group, rule: rule))
      }
    }
    self.runs = runs
    frozenRanges = members.filter { groups[$0.group].isFrozen }.map(\.range)
  }

  /// The names of all states that some groups keep, and the places of each group's own among them;
  /// frozen ones keep none.
  package static func states(of groups: [Group]) -> (names: [String], places: [[Int]]) {
    let own = groups.map { $0.isFrozen ? [] : $0.rule.stateNames }
    var names: [String] = []
    for name in own.joined() where !names.contains(name) { names.append(name) }
    return (names, own.map { $0.compactMap { names.firstIndex(of: $0) } })
  }

  /// The elements that no step changes.
  package let frozenRanges: [Range<Int>]

  /// The number of times that a step adds up numbers over all owners of shares.
  package var sumsPerStep: Int {
    runs.count { run in
      switch run.rule {
      case .norms: true
      case .matrices: run.members.contains { isShared[$0] }
      case .elements: false
      }
    }
  }

  /// Takes one step on the whole arena, each group at its own rate times that of `scalars`.
  package func callAsFunction(_ arena: ArenaSlice, scalars: StepScalars) {
    self([OwnedSlice(arena, at: 0)], scalars: scalars) { _ in }
  }

  /// Takes one step on parts of the arena; one thread at a time steps by a plan and its copies.
  ///
  /// - Parameters:
  ///   - shares: what this rank owns; each ends where blocks end.
  ///   - scalars: the rate multiplies that of each group.
  ///   - checksums: told of what is read and written, to notice what others have changed.
  ///   - sum: adds up numbers over all owners of shares, where a rule needs the norms of tensors or
  ///     matrices that several have parts of: every number is zero but on one of them.
  /// - Throws: an error of the exchange between the ranks.
  package func callAsFunction(
    _ shares: [OwnedSlice], scalars: StepScalars, checksums: ShareChecksums? = nil,
    sum: (UnsafeMutableBufferPointer<Double>) throws -> Void
  ) rethrows {
    for run in runs {
      let group = groups[run.group]
      var scalars = scalars
      scalars.learningRate *= group.learningRate
      switch run.rule {
      case .norms(let rule):
        try updateByNorms(run, by: rule, shares, scalars: scalars, checksums: checksums, sum: sum)
      case .matrices(let rule):
        try updateMatrices(run, by: rule, shares, scalars: scalars, checksums: checksums, sum: sum)
      case .elements(let rule):
        updateRanges(run, by: rule, shares, scalars: scalars, checksums: checksums)
      }
    }
  }

  private func updateRanges(
    _ run: Run, by rule: any SliceOptimizer, _ shares: [OwnedSlice], scalars: StepScalars,
    checksums: ShareChecksums?
  ) {
    let states = states[run.group]
    if let checksums {
      for index in run.members {
        for share in shares where share.range.overlaps(members[index].range) {
          checksums.update(index, of: share, by: rule, states: states, scalars: scalars)
        }
      }
    } else if let first = run.members.first, let last = run.members.last {
      let range = members[first].range.lowerBound..<members[last].range.upperBound
      for share in shares where share.range.overlaps(range) {
        rule.update(share.part(of: range).states(states), scalars: scalars)
      }
    }
  }

  /// The arrays that a rule of two phases writes in one.
  enum Phase {
    case state
    case step
  }

  /// Hands the blocks of a tensor that are in shares to `body`, each with its place in the tensor.
  func forEachBlock(
    of index: Int, in shares: [OwnedSlice], checksums: ShareChecksums?, phase: Phase,
    _ body: (_ place: Int, _ slice: ArenaSlice) -> Void
  ) {
    let member = members[index]
    let states = states[member.group]
    for share in shares where share.range.overlaps(member.range) {
      for block in ArenaUpdate.blocks(of: member.range) where block.overlaps(share.range) {
        let part = OwnedSlice(
          share.part(of: block), at: max(block.lowerBound, share.range.lowerBound))
        let place = part.range.lowerBound - member.range.lowerBound
        guard let checksums else {
          body(place, part.slice.states(states))
          continue
        }
        // A rule may write its state in either phase.
        checksums.update(
          index, of: part, checking: checksums.updated,
          writing: phase == .state ? checksums.updated.dropFirst() : checksums.updated
        ) { body(place, $0.states(states)) }
      }
    }
  }

  static func blockCount(of range: Range<Int>) -> Int {
    (range.count + blockSize - 1) / blockSize
  }

  /// The fixed blocks of a tensor, the last of which may be short.
  package static func blocks(of range: Range<Int>) -> some Sequence<Range<Int>> {
    stride(from: range.lowerBound, to: range.upperBound, by: blockSize).lazy.map {
      $0..<min($0 + blockSize, range.upperBound)
    }
  }
}
