import CKernels
import DLCluster
import DLLayers
import DLOptimizers
import DLTensor
import Glibc

/// The optimizer of a phase on one rank: the parameters that learn in it, their groups, and its state.
final class PhaseOptimizer {
  let phase: TrainingPhase
  let configuration: OptimizerConfiguration
  let groups: ParameterGroups
  let state: OptimizerState
  let lookahead: Lookahead?
  /// The trained parameters, by their index in the arena.
  let parameters: Range<Int>
  /// Their elements in the arena's arrays, and this rank's shard of them.
  let shards: ShardLayout
  /// The constraints that the parameters keep; nil for none.
  let constraints: ParameterConstraints?
  /// The reducer of the gradients during the backward pass; nil where they are reduced after it.
  var overlap: BucketedReducer?
  /// The checksums of parameters and state when they were last written; nil where nobody checks.
  var checksums: ShareChecksums?
  /// Updates made: the steps less those that were skipped as not finite.
  var updates = 0

  /// Makes the optimizer of a phase.
  ///
  /// - Parameter others: those of the phases before it.
  init(
    _ phase: TrainingPhase, _ configuration: OptimizerConfiguration, arena: ParameterArena,
    context: Context, bucketBytes: Int? = nil, after others: [PhaseOptimizer] = []
  ) throws {
    self.phase = phase
    self.configuration = configuration
    let all = arena.parameters
    if let part = phase.trains {
      let first = all.firstIndex { $0.name.hasPrefix(part + ".") } ?? 0
      let count = all[first...].prefix { $0.name.hasPrefix(part + ".") }.count
      let named = all.reduce(0) { $0 + ($1.name.hasPrefix(part + ".") ? 1 : 0) }
      guard count > 0, count == named else {
        throw TensorError(
          op: "phase \(phase.name)", "\(part) has no parameters, or others lie between them",
          exitCode: .fault)
      }
      parameters = first..<first + count
    } else {
      parameters = all.indices
    }
    shards = ShardLayout(
      arena, parameters, rank: context.communicator.rank, ranks: context.communicator.size,
      bucketBytes: bucketBytes)
    groups = try ParameterGroups(
      configuration, arena: arena, parameters: parameters, shards: shards)
    for index in groups.frozen { all[index].requiresGradient = false }
    let (count, dtype) = (shards.ownedCount, arena.dtype)
    lookahead = try configuration.lookahead.map {
      try Lookahead(steps: $0.k, alpha: $0.alpha, count: count, dtype: dtype)
    }
    constraints = try ParameterConstraints(
      configuration, arena: arena, parameters: parameters, frozen: groups.frozen, shards: shards)
    state = try OptimizerState(
      groups.update.stateNames, arena: arena, parameters: parameters, shards: shards,
      context: context,
      phase: others.contains { [parameters] in $0.parameters.overlaps(parameters) }
        ? phase.name : nil)
    if let lookahead { state.add { [("slow", lookahead.slow)] } }
    if let multipliers = constraints?.multipliers {
      state.add { [("multiplier", multipliers)] }
    }
  }

  /// Updates this rank's shard of the phase's parameters; the multiplier is that of the schedule.
  func update(
    multiplier: Double, gradientScale: Double, _ arena: ParameterArena,
    _ communicator: any Communicator
  ) throws {
    willUpdate()
    try groups.update(
      state.slices,
      scalars: StepScalars(step: updates, learningRate: multiplier, gradientScale: gradientScale),
      checksums: checksums
    ) { try sum($0, arena, communicator) }
    didUpdate()
    clipWeights()
    guard let constraints else { return }
    try constraints.project(state.slices) { try sum($0, arena, communicator) }
    checksums?.renew(0..<1)
  }

  /// The parameters that learn, with their places in the arena.
  func learning(_ arena: ParameterArena) -> [(parameter: Parameter, offset: Int)] {
    parameters.filter { arena.parameters[$0].requiresGradient }
      .map { (arena.parameters[$0], arena.offsets[$0]) }
  }

  /// Brings parameters back between their bounds: the projection of projected gradient descent.
  private func clipWeights() {
    guard let bound = configuration.clipWeights else { return }
    for share in state.slices {
      for range in trainedRanges {
        let part = share.part(of: range)
        dl_clamp(
          part.dtype.kernel, -bound, bound, part.parameters, part.parameters, part.count)
      }
    }
    checksums?.renew(0..<1)
  }

  /// Adds up numbers over the ranks, of which one has each; collective where shards differ.
  func sum(
    _ numbers: UnsafeMutableBufferPointer<Double>, _ arena: ParameterArena,
    _ communicator: any Communicator
  ) throws {
    guard arena.exchange.isSharded, let base = numbers.baseAddress else { return }
    try communicator.allreduceSum(base, count: numbers.count, type: .float64)
  }

  /// Zeroes the gradients of frozen parameters, for a task that lets some flow there.
  func clearFrozenGradients(_ arena: ParameterArena) {
    let width = arena.dtype.byteCount
    for range in groups.update.frozenRanges {
      memset(
        arena.gradients + (shards.elements.lowerBound + range.lowerBound) * width, 0,
        range.count * width)
    }
  }

  /// The elements that are trained, counted from the phase's first.
  private(set) lazy var trainedRanges: [Range<Int>] = {
    var ranges: [Range<Int>] = []
    var start = 0
    for frozen in groups.update.frozenRanges {
      if frozen.lowerBound > start { ranges.append(start..<frozen.lowerBound) }
      start = frozen.upperBound
    }
    if start < shards.elements.count { ranges.append(start..<shards.elements.count) }
    return ranges
  }()

  /// The note that a run that goes on must have again.
  var optimizerNote: String {
    let others = Set(configuration.groups.compactMap(\.name)).subtracting([configuration.name])
    let rules = [configuration.name.rawValue] + others.map(\.rawValue).sorted()
    return (rules + (lookahead == nil ? [] : ["lookahead"])).joined(separator: "+")
  }

  /// Counts an update.
  func willUpdate() {
    if updates == 0, let lookahead {
      lookahead.start(state.slices)
      checksums.map { $0.renew($0.others) }
    }
    updates += 1
  }

  /// Brings the slow weights up to date.
  private func didUpdate() {
    guard let lookahead else { return }
    let moves = updates.isMultiple(of: lookahead.steps)
    if moves { checksums.map { $0.verify($0.others) } }
    lookahead.didStep(updates, state.slices)
    if moves, let checksums {
      checksums.renew(0..<1)
      checksums.renew(checksums.others)
    }
  }
}
