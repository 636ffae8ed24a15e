import DLCluster
import DLFormats
import DLLayers
import DLOptimizers
import DLTensor

/// The state of an optimizer over a run of parameters: for each of its names this rank's share of a
/// flat array that is laid out like their part of the parameter arena.
final class OptimizerState {
  /// PyTorch's keys, such as `momentum_buffer`, with this rank's share of each.
  let vectors: [(name: String, vector: ArenaVector)]
  /// All vectors of the phase that a run saves: those of the optimizer, and of what wraps it.
  var all: [(name: String, vector: ArenaVector)] { vectors + others() }

  private let others: () -> [(name: String, vector: ArenaVector)]
  private let arena: ParameterArena
  private let parameters: Range<Int>
  private let shares: ArenaShares
  private let context: Context
  /// The whole vectors by name, while a checkpoint is written or read.
  private var assembled: [String: ArenaVector] = [:]

  /// Makes the state of zeros.
  ///
  /// - Parameter others: what wraps the optimizer and has vectors laid out like its own; asked anew
  ///   each time, since L-BFGS has more of them as it goes on.
  init(
    _ names: [String], arena: ParameterArena, parameters: Range<Int>, shares: ArenaShares,
    context: Context, others: @escaping () -> [(name: String, vector: ArenaVector)]
  ) throws {
    self.others = others
    self.arena = arena
    self.parameters = parameters
    self.shares = shares
    self.context = context
    vectors = try names.map {
      ($0, try ArenaVector(count: shares.ownCount, dtype: arena.dtype))
    }
    slices = OptimizerState.slices(arena, shares, vectors.map(\.vector))
  }

  /// This rank's shares of the parameters with their gradients and state, to update: one for each
  /// bucket, placed from the phase's first element on.
  let slices: [OwnedSlice]

  private static func slices(
    _ arena: ParameterArena, _ shares: ArenaShares, _ vectors: [ArenaVector]
  ) -> [OwnedSlice] {
    let width = arena.dtype.byteCount
    return shares.buckets.map { bucket in
      func pointer(_ index: Int) -> UnsafeMutableRawPointer? {
        index < vectors.count ? vectors[index].pointer + bucket.place * width : nil
      }
      let start = bucket.own.lowerBound * width
      return OwnedSlice(
        ArenaSlice(
          dtype: arena.dtype, count: bucket.own.count, parameters: arena.values + start,
          gradients: arena.gradients + start,
          state: StatePointers(pointer(0), pointer(1), pointer(2))),
        at: bucket.own.lowerBound - shares.elements.lowerBound)
    }
  }

  /// The slice of a rank that owns the whole phase, which is one bucket then.
  var whole: ArenaSlice { slices[0].slice }

  /// The state per parameter, named `optimizer.STATE.PARAMETER`, in the layouts of the parameters'
  /// files; where ranks have shares, only between ``assemble(_:)`` or ``makeRoom()`` and
  /// ``release()``.
  func entries() throws -> [StateDict.Entry] {
    try all.flatMap { name, vector in
      guard !shares.ownsAll else { return entries(name, vector) }
      guard let vector = assembled[name] else {
        throw TensorError(
          op: "optimizer", "the shares of \(name) are not assembled", exitCode: .fault)
      }
      return entries(name, vector)
    }
  }

  private func entries(_ state: String, _ vector: ArenaVector) -> [StateDict.Entry] {
    parameters.map { index in
      let parameter = arena.parameters[index]
      let offset = arena.offsets[index] - shares.elements.lowerBound
      return StateDict.Entry(
        name: OptimizerState.prefix + state + "." + parameter.name,
        fileShape: parameter.fileShape.dimensions, layout: parameter.layout,
        tensor: Tensor(
          borrowing: vector.pointer + offset * arena.dtype.byteCount, shape: parameter.shape,
          dtype: arena.dtype, owner: vector, context: context))
    }
  }

  /// Makes room for whole vectors, to be read from a checkpoint; ``takeShares()`` follows.
  func makeRoom() throws {
    guard !shares.ownsAll else { return }
    for (name, _) in all {
      assembled[name] = try ArenaVector(count: shares.elements.count, dtype: arena.dtype)
    }
  }

  /// Takes this rank's shares of what was read.
  func takeShares() {
    let width = arena.dtype.byteCount
    for (name, vector) in all {
      guard let all = assembled[name] else { continue }
      for bucket in shares.buckets {
        (vector.pointer + bucket.place * width).copyMemory(
          from: all.pointer + (bucket.own.lowerBound - shares.elements.lowerBound) * width,
          byteCount: bucket.own.count * width)
      }
    }
    release()
  }

  /// Brings all shares together on rank 0, in the room made there; collective.
  func assemble(_ communicator: any Communicator) throws {
    guard arena.exchange.isSharded, communicator.size > 1 else { return }
    let width = arena.dtype.byteCount
    for (name, vector) in all {
      for bucket in shares.buckets {
        try communicator.assemble(
          vector.pointer + bucket.place * width, into: assembled[name]?.pointer,
          cuts: bucket.cuts.map { ($0 - shares.elements.lowerBound) * width })
      }
    }
  }

  /// Gives the memory of whole vectors back.
  func release() { assembled = [:] }

  /// The first part of the name of every tensor of optimizer state in a checkpoint.
  static let prefix = "optimizer."
}
