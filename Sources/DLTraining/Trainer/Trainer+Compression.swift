import DLCluster
import DLFormats
import DLLayers
import DLOptimizers
import DLTensor

/// Compression of gradients between hosts, and the errors that senders keep for their next step: a
/// checkpoint holds them all, so that a run goes on with the same bits at the same layout of hosts.
extension Trainer {
  /// The first part of the name of every array of kept errors in a checkpoint.
  static let errorPrefix = "compression."

  /// Has the gradients of all phases compressed as the configuration says; collective.
  ///
  /// - Returns: what the kept errors are a state of; nil where nothing is compressed.
  static func compress(
    _ configuration: Configuration, _ arena: ParameterArena, _ phases: [UpdatePhase],
    _ communicator: any Communicator, report: (String) -> Void
  ) throws -> String? {
    guard let codec = configuration.compression.codec else { return nil }
    let shared = arena.exchange as? ShardedArena
    try communicator.agreed("compress gradients") {
      guard shared == nil, communicator.size > 1 else { return }
      throw TensorError(
        op: "compression",
        "an embedding with max_norm needs the whole gradient on every rank; set compression.name "
          + "to none")
    }
    let shares = phases.map(\.shares).sorted { $0.elements.lowerBound < $1.elements.lowerBound }
    let note = try shared?.compress(
      by: codec, blocks: shares.flatMap(\.blocks).map(arena.compressedBlock),
      cuts: shares.flatMap { $0.buckets.map(\.cuts) })
    if note == nil {
      report(
        "compression.name: \(configuration.compression.name.rawValue) has nothing to do, all ranks "
          + "share memory")
    }
    return note
  }

  /// The errors that all ranks keep, as entries of a checkpoint on rank 0; every rank calls it.
  func gatherErrors() throws -> [StateDict.Entry] {
    guard compression != nil, let shared = arena.exchange as? ShardedArena else { return [] }
    return try (0..<shared.errorArrays).map { array in
      let all = try communicator.agreed("make room for the errors of the compression") {
        try ArenaVector(count: communicator.rank == 0 ? shared.errorCount : 0, dtype: .float32)
      }
      try shared.gatherErrors(array: array) { numbers, place in
        guard let base = numbers.baseAddress else { return }
        (all.pointer + 4 * place).copyMemory(from: base, byteCount: 4 * numbers.count)
      }
      return StateDict.Entry(
        name: Trainer.errorName(array), fileShape: [all.count], layout: .plain,
        tensor: Tensor(
          borrowing: all.pointer, shape: Shape([all.count]), dtype: .float32, owner: all,
          context: context))
    }
  }

  private static func errorName(_ array: Int) -> String { "\(errorPrefix)errors.\(array)" }

  /// Takes up this rank's errors from a checkpoint of the same codec and layout.
  func restoreErrors(from file: SafetensorsFile) throws {
    let saved = file.metadata["compression"]
    guard let compression, let shared = arena.exchange as? ShardedArena, saved == compression else {
      if let saved { report("the checkpoint's errors of compression \(saved) are left out") }
      return
    }
    try shared.restoreErrors { array, place, buffer in
      let info = try file.info(Trainer.errorName(array))
      guard info.shape == [shared.errorCount], info.dtype == .float32 else {
        throw CheckpointError(
          path: file.path, what: "has \(info.name) of shape \(info.shape)",
          advice: "resume with the configuration it was saved with", exitCode: .usage)
      }
      try file.read(
        info, rows: place..<place + buffer.count, into: UnsafeMutableRawBufferPointer(buffer))
    }
  }
}

extension ParameterArena {
  /// A block of a tensor, with the rows that its tensor has in memory.
  fileprivate func compressedBlock(_ range: Range<Int>) -> GradientBlock {
    guard let index = offsets.lastIndex(where: { $0 <= range.lowerBound }),
      let columns = parameters[index].shape.dimensions.last, columns > 0
    else { return GradientBlock(range) }
    return GradientBlock(
      range, columns: columns, start: (range.lowerBound - offsets[index]) % columns)
  }
}
