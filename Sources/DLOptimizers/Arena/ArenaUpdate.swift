import DLTensor

/// The update of a whole arena: which tensor goes by which rule and rate.
///
/// One-phase rules run over ranges as long as the neighbours share a group; two-phase rules get
/// partial sums over fixed blocks of each tensor, so that norms do not depend on how the arena is
/// shared out. Gaps between tensors hold zeros and may fall into a range.
public struct ArenaUpdate: Sendable {
  /// Elements per partial sum; fixed, so that results do not depend on who made which.
  public static let blockSize = 16_384

  /// The parameters that share a rule, as one of `torch.optim.Optimizer.param_groups`.
  public struct Group: Sendable {
    /// The rule; the groups of an arena differ in scalars only and have the same state.
    public let rule: any Optimizer

    /// The learning rate before the schedule.
    public let learningRate: Double

    /// Whether parameters and state stay as they are.
    public let isFrozen: Bool

    /// Describes a group.
    public init(rule: any Optimizer, learningRate: Double, isFrozen: Bool = false) {
      self.rule = rule
      self.learningRate = learningRate
      self.isFrozen = isFrozen
    }
  }

  /// A tensor's place in the arena.
  public struct Member: Sendable, Hashable {
    /// Its elements.
    public let range: Range<Int>

    /// The index of its group.
    public let group: Int

    /// Describes a tensor.
    public init(_ range: Range<Int>, group: Int) {
      self.range = range
      self.group = group
    }
  }

  /// The groups by index.
  public let groups: [Group]

  /// The tensors in the order of the arena.
  public let members: [Member]

  /// Neighbours of one group, which is not frozen.
  private struct Run {
    var members: Range<Int>
    let group: Int
  }

  private let runs: [Run]

  /// Plans the update of tensors that do not overlap, in ascending order.
  public init(groups: [Group], members: [Member]) {
    precondition(members.allSatisfy { groups.indices.contains($0.group) }, "no such group")
    precondition(
      zip(members, members.dropFirst()).allSatisfy { $0.range.upperBound <= $1.range.lowerBound },
      "the tensors of an arena overlap")
    self.groups = groups
    self.members = members
    var runs: [Run] = []
    for (index, member) in members.enumerated() {
      if let last = runs.last, last.group == member.group {
        runs[runs.count - 1].members = last.members.lowerBound..<index + 1
      } else {
        runs.append(Run(members: index..<index + 1, group: member.group))
      }
    }
    self.runs = runs.filter { !groups[$0.group].isFrozen }
    frozenRanges = members.filter { groups[$0.group].isFrozen }.map(\.range)
  }

  /// PyTorch's keys of the state, the same for all groups.
  public var stateNames: [String] { groups.first?.rule.stateNames ?? [] }

  /// The elements that no step changes.
  public let frozenRanges: [Range<Int>]

  /// Takes one step on the whole arena, each group at its own rate times that of `scalars`.
  public func callAsFunction(_ arena: ArenaSlice, scalars: StepScalars) {
    self([OwnedSlice(arena, at: 0)], scalars: scalars) { _ in }
  }

  /// Takes one step on parts of the arena.
  ///
  /// - Parameters:
  ///   - shares: what this rank owns; each ends where blocks end.
  ///   - scalars: the rate multiplies that of each group.
  ///   - checksums: told of what is read and written, to notice what others have changed.
  ///   - sum: adds up numbers over all owners of shares, where a rule needs the norms of tensors:
  ///     every number is zero but on one of them.
  public func callAsFunction(
    _ shares: [OwnedSlice], scalars: StepScalars, checksums: ShareChecksums? = nil,
    sum: (UnsafeMutableBufferPointer<Double>) throws -> Void
  ) rethrows {
    for run in runs {
      let group = groups[run.group]
      var scalars = scalars
      scalars.learningRate *= group.learningRate
      let members = members[run.members]
      guard let rule = group.rule as? any TensorNormOptimizer else {
        if let checksums {
          for index in run.members {
            for share in shares where share.range.overlaps(self.members[index].range) {
              checksums.update(index, of: share, by: group.rule, scalars: scalars)
            }
          }
        } else if let first = members.first, let last = members.last {
          let range = first.range.lowerBound..<last.range.upperBound
          for share in shares where share.range.overlaps(range) {
            group.rule.update(share.part(of: range), scalars: scalars)
          }
        }
        continue
      }
      let count = members.reduce(0) { $0 + ArenaUpdate.blockCount(of: $1.range) }
      try withUnsafeTemporaryAllocation(of: Double.self, capacity: max(2 * count, 1)) { sums in
        sums.initialize(repeating: 0)
        var place = 0
        for (index, member) in zip(run.members, members) {
          for block in ArenaUpdate.blocks(of: member.range) {
            for share in shares where share.range.overlaps(block) {
              var both = SquareSums()
              let part = OwnedSlice(
                share.part(of: block), at: max(block.lowerBound, share.range.lowerBound))
              if let checksums {
                checksums.update(
                  index, of: part, checking: checksums.updated,
                  writing: checksums.updated.dropFirst()
                ) { both = rule.accumulate($0, scalars: scalars) }
              } else {
                both = rule.accumulate(part.slice, scalars: scalars)
              }
              sums[place] = both.parameters
              sums[place + 1] = both.updates
            }
            place += 2
          }
        }
        try sum(sums)
        place = 0
        for (index, member) in zip(run.members, members) {
          var both = SquareSums()
          for _ in ArenaUpdate.blocks(of: member.range) {
            both = both + SquareSums(parameters: sums[place], updates: sums[place + 1])
            place += 2
          }
          for share in shares where share.range.overlaps(member.range) {
            if let checksums {
              // A rule may write its state in either phase.
              checksums.update(
                index, of: share, checking: checksums.updated, writing: checksums.updated
              ) {
                rule.apply($0, scalars: scalars, sums: both)
              }
            } else {
              rule.apply(share.part(of: member.range), scalars: scalars, sums: both)
            }
          }
        }
      }
    }
  }

  private static func blockCount(of range: Range<Int>) -> Int {
    (range.count + blockSize - 1) / blockSize
  }

  /// The fixed blocks of a tensor, the last of which may be short.
  public static func blocks(of range: Range<Int>) -> some Sequence<Range<Int>> {
    stride(from: range.lowerBound, to: range.upperBound, by: blockSize).lazy.map {
      $0..<min($0 + blockSize, range.upperBound)
    }
  }
}
