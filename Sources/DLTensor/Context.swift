import DLCluster

/// All that belongs to one rank: its communicator, memory, tape, random keys and modes.
///
/// There are no globals: tensors know their context, and everything that creates a tensor takes
/// one. A context is used by its rank's thread alone.
public final class Context {
  /// This rank's way to its peers.
  public let communicator: any Communicator
  /// The element type of parameters and activations: float32 or float64.
  public let precision: DType
  /// True to round the operands of matrix products and convolutions of float32 to bfloat16;
  /// their sums, and all else, stay float32.
  package var roundsProducts = false
  /// The pool that tensors' memory comes from.
  package let pool = BufferPool()
  /// Told of every tensor that is made, as a sign that the rank goes on; nil where nobody watches.
  package var progress: RankProgress?
  /// Training (batch statistics, dropout) or evaluation.
  public var isTraining = false
  /// True if ops are recorded for ``backward(_:seed:)``.
  package private(set) var isRecording = false
  /// True if ops run as their decompositions into ops whose gradients are recorded ops themselves;
  /// see ``differentiably(_:)``.
  package internal(set) var isDecomposing = false
  /// True if batch normalization takes its statistics over all ranks.
  package var synchronizesBatchNorm = true
  /// The run's seed; every random number is keyed by it.
  public var seed: UInt64
  /// The optimizer step, counted from 0; part of dropout's key.
  public var step = 0
  /// The number of this update among several on the same rows of a step, counted from 0; part of
  /// dropout's key.
  package var turn = 0
  /// The index, within the whole batch of this step, of this rank's first row; part of dropout's
  /// key.
  package var rowOffset = 0

  /// Told of each layer that was applied, with its input and output; nil but for reports.
  package var layerObserver: ((_ layer: AnyObject, _ input: Tensor, _ output: Tensor) -> Void)?

  /// Counts forward passes, so that a layer can number its calls within one; see
  /// ``beginForward(rowOffset:)``.
  package private(set) var forwardPass = 0

  /// Takes the time of each op; nil where nobody asks.
  package var profile: OpProfile?

  /// Told of complete gradients during a backward pass; nil where nobody waits for them.
  package var gradientWatch: GradientWatch?

  var tape: [TapeEntry] = []

  /// Makes the context of one rank.
  ///
  /// - Parameter precision: float32 or float64.
  public init(
    communicator: (any Communicator)? = nil, precision: DType = .float32, seed: UInt64 = 1
  ) {
    precondition(precision.isReal, "a context computes in float32 or float64")
    self.communicator = communicator ?? SingleRank()
    self.precision = precision
    self.seed = seed
    tape.reserveCapacity(512)
  }

  /// Starts the forward pass of a micro-batch whose first row on this rank is row `rowOffset` of
  /// the step's batch.
  package func beginForward(rowOffset: Int) {
    self.rowOffset = rowOffset
    forwardPass += 1
    profile?.begin()
  }

  /// Records the ops of `body` so that gradients can flow back through them.
  ///
  /// - Throws: what `body` throws.
  public func recording<R>(_ body: () throws -> R) rethrows -> R {
    let outer = isRecording
    isRecording = true
    defer { isRecording = outer }
    return try body()
  }

  /// Runs `body` without recording, as for evaluation.
  ///
  /// - Throws: what `body` throws.
  public func withoutRecording<R>(_ body: () throws -> R) rethrows -> R {
    let outer = isRecording
    isRecording = false
    defer { isRecording = outer }
    return try body()
  }

  /// Runs `body` in evaluation mode, without dropout and by batch normalization's running statistics,
  /// and without recording.
  ///
  /// - Throws: what `body` throws.
  package func evaluating<R>(_ body: () throws -> R) rethrows -> R {
    let outer = isTraining
    isTraining = false
    defer { isTraining = outer }
    return try withoutRecording(body)
  }
}
