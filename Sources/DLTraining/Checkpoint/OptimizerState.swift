import DLCluster
import DLFormats
import DLLayers
import DLOptimizers
import DLTensor

/// The state of an optimizer over a run of parameters: for each of its names this rank's shard of a
/// flat array that is laid out like their part of the parameter arena.
final class OptimizerState {
  /// PyTorch's keys, such as `momentum_buffer`, with this rank's shard of each.
  let vectors: [(name: String, vector: ArenaVector)]
  /// All vectors of the phase that a run saves: those of the optimizer, and of what wraps it.
  var all: [(name: String, vector: ArenaVector)] { vectors + wrappers.flatMap { $0() } }

  private var wrappers: [() -> [(name: String, vector: ArenaVector)]] = []
  private let arena: ParameterArena
  private let parameters: Range<Int>
  private let shards: ShardLayout
  private let context: Context
  /// The phase that the state is of, where parameters have states of several.
  private let phase: String?
  /// The whole vectors by name on rank 0, while a checkpoint is written.
  private var assembled: [String: ArenaVector] = [:]

  /// Makes the state of zeros.
  init(
    _ names: [String], arena: ParameterArena, parameters: Range<Int>, shards: ShardLayout,
    context: Context, phase: String? = nil
  ) throws {
    self.arena = arena
    self.phase = phase
    self.parameters = parameters
    self.shards = shards
    self.context = context
    vectors = try names.map {
      ($0, try ArenaVector(count: shards.ownedCount, dtype: arena.dtype))
    }
    slices = OptimizerState.slices(arena, shards, vectors.map(\.vector))
  }

  /// Adds vectors that are laid out like the optimizer's own, of something that wraps it.
  ///
  /// They are asked for anew each time: L-BFGS has more of them as it goes on.
  func add(_ vectors: @escaping () -> [(name: String, vector: ArenaVector)]) {
    wrappers.append(vectors)
  }

  /// This rank's shards of the parameters with their gradients and state, to update: one for each
  /// bucket, placed from the phase's first element on.
  let slices: [OwnedSlice]

  private static func slices(
    _ arena: ParameterArena, _ shards: ShardLayout, _ vectors: [ArenaVector]
  ) -> [OwnedSlice] {
    let width = arena.dtype.byteCount
    return shards.buckets.map { bucket in
      func pointer(_ index: Int) -> UnsafeMutableRawPointer? {
        index < vectors.count ? vectors[index].pointer + bucket.offset * width : nil
      }
      let start = bucket.owned.lowerBound * width
      return OwnedSlice(
        ArenaSlice(
          dtype: arena.dtype, count: bucket.owned.count, parameters: arena.values + start,
          gradients: arena.gradients + start,
          state: StatePointers(pointer(0), pointer(1), pointer(2))),
        at: bucket.owned.lowerBound - shards.elements.lowerBound)
    }
  }

  /// The slice of a rank that owns the whole phase, which is one bucket then.
  var whole: ArenaSlice { slices[0].slice }

  /// The state per parameter, named `optimizer.STATE.PARAMETER`, or `optimizer.STATE@PHASE.PARAMETER`
  /// where a phase before has named it so, in the layouts of the parameters'
  /// files; where ranks have shards, only between ``assemble(_:)`` and ``release()``.
  func entries() throws -> [StateDict.Entry] {
    try all.flatMap { name, vector in
      guard !shards.ownsAll else { return entries(name, vector) }
      guard let vector = assembled[name] else {
        throw TensorError(
          op: "optimizer", "the shards of \(name) are not assembled", exitCode: .fault)
      }
      return entries(name, vector)
    }
  }

  private func entries(_ state: String, _ vector: ArenaVector) -> [StateDict.Entry] {
    parameters.map { index in
      let parameter = arena.parameters[index]
      let offset = arena.offsets[index] - shards.elements.lowerBound
      return StateDict.Entry(
        name: entryName(state, parameter),
        fileShape: parameter.fileShape.dimensions, layout: parameter.layout,
        tensor: Tensor(
          borrowing: vector.pointer + offset * arena.dtype.byteCount, shape: parameter.shape,
          dtype: arena.dtype, owner: vector, context: context))
    }
  }

  /// Makes room for whole vectors, to be brought together there.
  func makeRoom() throws {
    guard !shards.ownsAll else { return }
    for (name, _) in all {
      assembled[name] = try ArenaVector(count: shards.elements.count, dtype: arena.dtype)
    }
  }

  /// Brings all shards together on rank 0, in the room made there; collective.
  func assemble(_ communicator: any Communicator) throws {
    guard arena.exchange.isSharded, communicator.size > 1 else { return }
    let width = arena.dtype.byteCount
    for (name, vector) in all {
      for bucket in shards.buckets {
        try communicator.assemble(
          vector.pointer + bucket.offset * width, into: assembled[name]?.pointer,
          cuts: bucket.bounds.map { ($0 - shards.elements.lowerBound) * width })
      }
    }
  }

  /// Gives the memory of whole vectors back.
  func release() { assembled = [:] }

  /// The first part of the name of every tensor of optimizer state in a checkpoint.
  static let prefix = "optimizer."

  private func entryName(_ state: String, _ parameter: Parameter) -> String {
    OptimizerState.prefix + state + (phase.map { "@" + $0 } ?? "") + "." + parameter.name
  }
}

extension OptimizerState {
  /// The names that a checkpoint must have of the state.
  var names: [String] {
    all.flatMap { name, _ in
      parameters.map { entryName(name, arena.parameters[$0]) }
    }
  }

  /// Reads this rank's shards of the state, and no more than them where files hold tensors as memory
  /// does.
  ///
  /// - Throws: ``StateDictError`` naming what the file has not, or in another shape or type, before
  ///   anything is read; `FormatError`.
  func read(from file: SafetensorsFile) throws {
    let differences = all.flatMap { name, _ in
      parameters.compactMap { difference(name, arena.parameters[$0], file) }
    }
    guard differences.isEmpty else {
      throw StateDictError(path: file.path, differences: differences)
    }
    for (name, vector) in all {
      for index in parameters {
        let (parameter, start) = (arena.parameters[index], arena.offsets[index])
        let elements = start..<start + parameter.shape.count
        for bucket in shards.buckets {
          let part = elements.clamped(to: bucket.owned)
          guard !part.isEmpty else { continue }
          let place = bucket.offset + part.lowerBound - bucket.owned.lowerBound
          try read(
            entryName(name, parameter), parameter,
            part.lowerBound - start..<part.upperBound - start,
            to: vector.pointer + place * arena.dtype.byteCount, file)
        }
      }
    }
  }

  private func difference(_ state: String, _ parameter: Parameter, _ file: SafetensorsFile)
    -> String?
  {
    let name = entryName(state, parameter)
    guard let info = file[name] else { return "\(name) is missing" }
    guard info.shape == parameter.fileShape.dimensions else {
      return "\(name) has shape \(info.shape), the model \(parameter.fileShape)"
    }
    return info.dtype == arena.dtype.safetensors
      ? nil : "\(name) is \(info.dtype.rawValue), the model \(arena.dtype)"
  }

  /// Reads some elements of a tensor, counted as they lie in memory.
  private func read(
    _ name: String, _ parameter: Parameter, _ elements: Range<Int>,
    to target: UnsafeMutableRawPointer, _ file: SafetensorsFile
  ) throws {
    let width = arena.dtype.byteCount
    let info = try file.info(name)
    if case .plain = parameter.layout {
      try file.read(
        info, bytes: elements.lowerBound * width..<elements.upperBound * width,
        into: UnsafeMutableRawBufferPointer(start: target, count: elements.count * width))
      return
    }
    let source = try Tensor.empty(parameter.fileShape, dtype: arena.dtype, context: context)
    try file.read(
      name, into: UnsafeMutableRawBufferPointer(start: source.pointer, count: source.byteCount))
    let inMemory = try context.withoutRecording { try parameter.layout.inMemory(source) }
    target.copyMemory(
      from: inMemory.pointer + elements.lowerBound * width, byteCount: elements.count * width)
  }
}
