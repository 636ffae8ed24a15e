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

  private let arena: ParameterArena
  private let parameters: Range<Int>
  private let shares: ArenaShares
  private let context: Context
  /// The whole vectors by name, while a checkpoint is written or read.
  private var whole: [String: ArenaVector] = [:]

  init(
    _ names: [String], arena: ParameterArena, parameters: Range<Int>, shares: ArenaShares,
    context: Context
  ) throws {
    self.arena = arena
    self.parameters = parameters
    self.shares = shares
    self.context = context
    vectors = try names.map {
      ($0, try ArenaVector(count: shares.own.count, dtype: arena.dtype))
    }
  }

  /// This rank's share of the parameters with their gradients and state, to update.
  var slice: ArenaSlice {
    let start = shares.own.lowerBound * arena.dtype.byteCount
    func pointer(_ index: Int) -> UnsafeMutableRawPointer? {
      index < vectors.count ? vectors[index].vector.pointer : nil
    }
    return ArenaSlice(
      dtype: arena.dtype, count: shares.own.count, parameters: arena.values + start,
      gradients: arena.gradients + start,
      state: StatePointers(pointer(0), pointer(1), pointer(2)))
  }

  /// The state per parameter, named `optimizer.STATE.PARAMETER`, in the layouts of the parameters'
  /// files; where ranks have shares, only between ``assemble(_:_:)`` or ``makeRoom(_:)`` and
  /// ``release()``.
  func entries(_ others: [(name: String, vector: ArenaVector)]) throws -> [StateDict.Entry] {
    try (vectors + others).flatMap { name, vector in
      guard shares.own != shares.elements else { return entries(name, vector) }
      guard let vector = whole[name] else {
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

  /// Makes room for whole vectors, to be read from a checkpoint; ``takeShares(_:)`` follows.
  func makeRoom(_ others: [(name: String, vector: ArenaVector)]) throws {
    guard shares.own != shares.elements else { return }
    for (name, _) in vectors + others {
      whole[name] = try ArenaVector(count: shares.elements.count, dtype: arena.dtype)
    }
  }

  /// Takes this rank's shares of what was read.
  func takeShares(_ others: [(name: String, vector: ArenaVector)]) {
    let start = (shares.own.lowerBound - shares.elements.lowerBound) * arena.dtype.byteCount
    for (name, vector) in vectors + others {
      if let all = whole[name] { vector.copy(all.pointer + start) }
    }
    release()
  }

  /// Brings all shares together on rank 0, in the room made there; collective.
  func assemble(
    _ others: [(name: String, vector: ArenaVector)], _ communicator: any Communicator
  ) throws {
    guard arena.exchange.isSharded, communicator.size > 1 else { return }
    for (name, vector) in vectors + others {
      try communicator.assemble(
        vector.pointer, into: whole[name]?.pointer,
        cuts: shares.cuts.map { ($0 - shares.elements.lowerBound) * arena.dtype.byteCount })
    }
  }

  /// Gives the memory of whole vectors back.
  func release() { whole = [:] }

  /// The first part of the name of every tensor of optimizer state in a checkpoint.
  static let prefix = "optimizer."
}
