import DLCluster
import DLLayers
import DLTensor

/// Whether gradients go between hosts during the backward pass.
struct OverlapChoice {
  /// The bytes that go together; nil where they go after the backward pass, all at once.
  let bucketBytes: Int?
  private let reason: String

  /// Decides, on all ranks together; nil where no gradients go by MPI.
  init?(_ configuration: Configuration, _ arena: ParameterArena) throws {
    guard let shared = arena.exchange as? ShardedArena, shared.hasExchange else { return nil }
    guard configuration.overlap != .off else {
      (bucketBytes, reason) = (nil, "as the configuration says")
      return
    }
    let obstacle = try shared.obstacleToOverlap(isForced: configuration.overlap == .on)
    bucketBytes = obstacle == nil ? Int(configuration.bucketCapMB * 1e6) : nil
    reason = obstacle ?? ""
  }

  /// A line for the head of a run.
  func text(buckets: Int) -> String {
    bucketBytes == nil
      ? "overlap off: gradients go by MPI after backward, \(reason)"
      : "overlap on: gradients go by MPI during backward, in \(buckets) bucket\(buckets == 1 ? "" : "s")"
  }
}

/// The reduction of a phase's gradients during its backward pass: which bucket still waits for how
/// many parameters.
final class PhaseOverlap {
  let reduction: OverlappedReduction
  private let buckets: [ArenaShares.Bucket]
  private let open: OpenParameters
  private let watch: GradientWatch

  /// The parameters of each bucket whose gradients are not complete.
  private final class OpenParameters {
    var counts: [Int]

    init(_ counts: [Int]) { self.counts = counts }
  }

  /// Starts the communication thread; collective.
  init(_ phase: UpdatePhase, _ arena: ParameterArena, track: Track?) throws {
    let buckets = phase.shares.buckets
    guard
      let reduction = try (arena.exchange as? ShardedArena)?.overlap(
        buckets.map(\.cuts), type: arena.dtype.element, track: track)
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
