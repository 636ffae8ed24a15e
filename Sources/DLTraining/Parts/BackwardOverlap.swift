import DLCluster
import DLConfiguration
import DLLayers
import DLTensor

/// The reduction of gradients between hosts while the backward pass goes on (`overlap:`).
final class BackwardOverlap: TrainerPart {
  private let run: TrainingRun

  private init(_ run: TrainingRun) throws {
    self.run = run
    for optimizer in run.optimizers {
      optimizer.overlap = try BucketedReducer(optimizer, run.arena, track: run.timeline?.exchange)
    }
  }

  static func make(for run: TrainingRun) throws -> BackwardOverlap? {
    run.overlap?.isOn == true ? try BackwardOverlap(run) : nil
  }

  /// Ends the communication threads.
  func didTrain() throws {
    for optimizer in run.optimizers { try optimizer.overlap?.reduction.close() }
  }
}

extension Configuration {
  /// A choice of whether gradients go between hosts while the backward pass runs (`overlap:`).
  package enum Overlap: String, ConfigurationWord {
    case auto, on, off

    /// Something must go in every step where it is asked for.
    var demands: [Demand] {
      guard self == .on else { return [] }
      return [Demand(key: "overlap", name: "overlap: on", needs: [.gradientExchange])]
    }
  }
}

/// The choice of whether gradients go between hosts during the backward pass.
struct OverlapPolicy {
  /// The bytes that go together, whenever they go: compressed gradients have other bits when ranks
  /// own other shares.
  let bucketBytes: Int
  /// The reason why they go after the backward pass; nil where they go during it.
  private let obstacle: String?

  /// True if gradients go during the backward pass.
  var isOn: Bool { obstacle == nil }

  /// Decides, on all ranks together; nil where no gradients go by MPI.
  init?(_ configuration: Configuration, _ arena: ParameterArena) throws {
    guard let shared = arena.exchange as? ShardedReducer, shared.hasExchange else { return nil }
    bucketBytes = Int(configuration.bucketCapMB * 1e6)
    obstacle =
      configuration.overlap == .off
      ? "as the configuration says"
      : try shared.obstacleToOverlap(isForced: configuration.overlap == .on)
  }

  /// A line for the head of a run.
  func text(buckets: Int) -> String {
    if let obstacle { return "overlap off: gradients go by MPI after backward, \(obstacle)" }
    let count = "\(buckets) bucket\(buckets == 1 ? "" : "s")"
    return "overlap on: gradients go by MPI during backward, in \(count)"
  }
}

/// The reduction of a phase's gradients during its backward pass: which bucket still waits for how
/// many parameters.
final class BucketedReducer {
  let reduction: OverlappedReduction
  private let buckets: [ShardLayout.Bucket]
  private let open: OpenParameters
  private let watch: GradientWatch

  /// The parameters of each bucket whose gradients are not complete.
  private final class OpenParameters {
    var counts: [Int]

    init(_ counts: [Int]) { self.counts = counts }
  }

  /// Starts the communication thread; collective.
  init(_ phase: PhaseOptimizer, _ arena: ParameterArena, track: Track?) throws {
    let buckets = phase.shards.buckets
    guard
      let reduction = try (arena.exchange as? ShardedReducer)?.overlap(
        buckets.map(\.bounds), type: arena.dtype.element, track: track)
    else {
      throw TensorError(op: "overlap", "nothing goes between hosts", exitCode: .fault)
    }
    let open = OpenParameters(buckets.map(\.parameters.count))
    let first = phase.parameters.lowerBound
    let bucketOf = buckets.indices.flatMap { bucket in
      buckets[bucket].parameters.map { _ in bucket }
    }
    self.buckets = buckets
    self.reduction = reduction
    self.open = open
    watch = arena.watch(phase.parameters, frozen: phase.groups.frozen) { index in
      let bucket = bucketOf[index - first]
      open.counts[bucket] -= 1
      if open.counts[bucket] == 0 { reduction.didComplete(bucket) }
    }
  }

  /// Starts the pass that completes the gradients; its forward part comes next.
  func start() -> GradientWatch {
    for (index, bucket) in buckets.enumerated() { open.counts[index] = bucket.parameters.count }
    watch.start()
    return watch
  }
}
