import CKernels
import DLCluster
import DLConfiguration
import DLLayers
import DLOptimizers
import DLTensor

/// The constraints on a phase's parameters, over this rank's share of them.
///
/// Terms of the loss are made of the whole tensors, which every rank has between two updates, and
/// added to the gradients that this rank owns; a projection adds its sums up over the ranks.
final class ParameterConstraints {
  private let constraints: [Constraint]
  /// The multipliers, laid out as this rank's share; nil where there are none.
  ///
  /// That of a whole tensor stands in each of its elements.
  let multipliers: ArenaVector?
  private let arena: ParameterArena
  private let shards: ShardLayout
  /// The excess of each tensor of each constraint at the present parameters.
  private var excesses: [[Double]] = []

  /// Finds the parameters of a configuration's constraints; nil where there are none.
  ///
  /// - Throws: `TensorError` where a pattern matches nothing.
  init?(
    _ configuration: OptimizerConfiguration, arena: ParameterArena, parameters: Range<Int>,
    frozen: Set<Int>, shards: ShardLayout
  ) throws {
    guard !configuration.constraints.isEmpty else { return nil }
    let names = ParameterNames(arena)
    constraints = try configuration.constraints.map { given in
      let found = try names.matching(given.match, in: parameters, key: "constraints")
      let members = found.subtracting(frozen).sorted().map { index in
        let start = arena.offsets[index] - shards.elements.lowerBound
        return start..<start + arena.parameters[index].shape.count
      }
      return Constraint(given.condition, by: given.method, of: members)
    }
    multipliers =
      constraints.contains(where: \.hasMultipliers)
      ? try ArenaVector(count: shards.ownedCount, dtype: arena.dtype) : nil
    self.arena = arena
    self.shards = shards
  }

  /// Takes note of the present parameters, before the first gradient is added to.
  func look() {
    let (width, first) = (arena.dtype.byteCount, shards.elements.lowerBound)
    excesses = constraints.map { constraint in
      guard constraint.method != .projection else { return [] }
      return constraint.members.map { member in
        constraint.excess(
          arena.values + (first + member.lowerBound) * width, member.count, arena.dtype)
      }
    }
  }

  /// Adds the slopes of all terms to the gradients of a block that this rank owns.
  func addGradients(to block: Range<Int>) {
    forEachPart(of: block) { constraint, excess, slice, multipliers in
      constraint.addGradient(to: slice, excess: excess, multipliers: multipliers)
    }
  }

  /// Moves the multipliers, once the new parameters are known to every rank.
  func move(updates: Int) {
    guard multipliers != nil else { return }
    look()
    for bucket in shards.buckets {
      forEachPart(of: bucket.owned) { constraint, excess, slice, multipliers in
        guard let multipliers else { return }
        constraint.move(multipliers, of: slice, excess: excess, updates: updates)
      }
    }
  }

  /// Sets this rank's share of the parameters to the nearest points that keep the constraints, one
  /// constraint after the other; collective where shares differ.
  ///
  /// - Parameter sum: adds numbers up over the ranks, of which one has each.
  func project(
    _ shares: [OwnedSlice], sum: (UnsafeMutableBufferPointer<Double>) throws -> Void
  ) throws {
    for constraint in constraints where constraint.method == .projection {
      // Sums are per block, so that they do not depend on who owns which.
      let blocks = constraint.members.map { Array(ArenaUpdate.blocks(of: $0)) }
      var sums = [Double](repeating: 0, count: blocks.reduce(0) { $0 + $1.count })
      var place = 0
      for block in blocks.joined() {
        for share in shares where share.range.overlaps(block) {
          sums[place] += constraint.projectionSum(share.part(of: block))
        }
        place += 1
      }
      if constraint.condition != .nonnegative {
        try sums.withUnsafeMutableBufferPointer { try sum($0) }
      }
      place = 0
      for (member, parts) in zip(constraint.members, blocks) {
        let whole = sums[place..<place + parts.count].reduce(0, +)
        place += parts.count
        for share in shares where share.range.overlaps(member) {
          constraint.project(share.part(of: member), sum: whole, count: member.count)
        }
      }
    }
  }

  /// Hands out what this rank owns of each constrained tensor within a range of the arena.
  private func forEachPart(
    of range: Range<Int>,
    _ body: (Constraint, Double, ArenaSlice, UnsafeMutableRawPointer?) -> Void
  ) {
    let (width, first) = (arena.dtype.byteCount, shards.elements.lowerBound)
    for (constraint, excesses) in zip(constraints, excesses) where !excesses.isEmpty {
      for (member, excess) in zip(constraint.members, excesses) {
        let tensor = first + member.lowerBound..<first + member.upperBound
        for bucket in shards.buckets {
          let part = tensor.clamped(to: range).clamped(to: bucket.owned)
          guard !part.isEmpty else { continue }
          let place = bucket.offset + part.lowerBound - bucket.owned.lowerBound
          let slice = ArenaSlice(
            dtype: arena.dtype, count: part.count,
            parameters: arena.values + part.lowerBound * width,
            gradients: arena.gradients + part.lowerBound * width)
          body(
            constraint, excess, slice,
            constraint.hasMultipliers ? multipliers.map { $0.pointer + place * width } : nil)
        }
      }
    }
  }
}

extension ConstraintConfiguration {
  /// The condition that is to be kept.
  fileprivate var condition: Constraint.Condition {
    if let maxNorm { return .maxNorm(maxNorm) }
    return sum.map { .sum($0) } ?? .nonnegative
  }

  /// How.
  fileprivate var method: Constraint.Method {
    switch by {
    case .projection: .projection
    case .penalty: .penalty(weight: weight)
    case .multipliers: .multipliers(weight: weight, every: every)
    }
  }
}

/// A condition that each of some parameters is to keep.
package struct ConstraintConfiguration: ConfigurationSection {
  /// A way of keeping a condition.
  package enum Method: String, ConfigurationWord {
    /// After each update parameters go to the nearest point that keeps it.
    case projection
    /// The square of what is beyond it is added to the loss.
    case penalty
    /// A penalty with Lagrange multipliers, which come to what keeps it exactly.
    case multipliers
  }

  /// The parameters: a pattern over their names, `bias`, `norm`, or several parted by `|`.
  package var match = ""
  /// The largest Euclidean norm of each; nil for any.
  package var maxNorm: Double?
  /// The sum of the elements of each; nil for any.
  package var sum: Double?
  /// True if no element is below 0.
  package var nonnegative = false
  /// The way in which the condition is kept.
  package var by = Method.projection
  /// The factor of half the square, and the step of the multipliers.
  package var weight = 1.0
  /// Updates of the parameters between two of the multipliers.
  package var every = 1

  package init() {}

  package static var fields: [ConfigurationField<Self>] {
    [
      .init(
        "match", \.match, required: true,
        "parameter names with * for any characters, or bias, or norm; alternatives parted by |"),
      .init("max_norm", \.maxNorm, .above(0), "largest Euclidean norm of each of them"),
      .init("sum", \.sum, "sum of the elements of each of them"),
      .init("nonnegative", \.nonnegative, "whether no element is below 0"),
      .init("by", \.by, "projection, penalty or multipliers (an augmented Lagrangian)"),
      .init(
        "weight", \.weight, .above(0), "weight, in the loss, of half the squared violation"),
      .init("every", \.every, .atLeast(1), "updates between two of the multipliers"),
    ]
  }

  package func problems() -> [ConfigurationProblem] {
    let given = [maxNorm != nil, sum != nil, nonnegative].count { $0 }
    guard given != 1 else { return [] }
    return [
      .init(
        "match", "max_norm", "sum", "nonnegative",
        message: "give one of max_norm, sum and nonnegative, another constraint for another")
    ]
  }

  /// One condition at a time.
  package static var alternatives: [[String]] { [["max_norm", "sum", "nonnegative"]] }
}
