import DLCluster
import DLFormats
import DLLayers
import DLTensor

/// What a task carries from step to step belongs to rows, and rows to ranks: a checkpoint holds the
/// rows of all ranks in the order of the batch, so that a run can go on at another number of ranks.
extension Trainer {
  /// The first part of the name of every tensor of carried state in a checkpoint.
  static let carriedPrefix = "carried."

  /// The carried state of all ranks, as entries of a checkpoint; every rank calls it.
  func gatherCarriedState() throws -> [StateDict.Entry] {
    let mine = try communicator.agreed("gather the carried state") { try task.carriedState }
    return try mine.map { name, rows in
      let rowShape = rows.shape.dropFirst()
      let counts = try communicator.allgather([rows.shape[0]])
      let largest = counts.max() ?? 0
      let padded = try Tensor.zeros(
        rowShape.prepending(largest), dtype: rows.dtype, context: context)
      padded.pointer.copyMemory(from: rows.pointer, byteCount: rows.byteCount)
      let all = try Tensor.zeros(
        rowShape.prepending(largest * communicator.size), dtype: rows.dtype, context: context)
      try communicator.allgather(
        padded.bytes, into: UnsafeMutableRawBufferPointer(start: all.pointer, count: all.byteCount))
      let result = try Tensor.zeros(
        rowShape.prepending(counts.reduce(0, +)), dtype: rows.dtype, context: context)
      let rowBytes = rowShape.count * rows.dtype.byteCount
      var first = 0
      for (rank, count) in counts.enumerated() {
        (result.pointer + first * rowBytes).copyMemory(
          from: all.pointer + rank * largest * rowBytes, byteCount: count * rowBytes)
        first += count
      }
      return StateDict.Entry(
        name: Trainer.carriedPrefix + name, fileShape: result.shape.dimensions, layout: .plain,
        tensor: result)
    }
  }

  /// Hands the task this rank's rows of a checkpoint's carried state.
  func restoreCarriedState(from file: SafetensorsFile) throws {
    var rows: [String: Tensor] = [:]
    for info in file.tensors where info.name.hasPrefix(Trainer.carriedPrefix) {
      guard let shape = Shape(checking: info.shape), shape.rank > 0, let dtype = DType(info.dtype)
      else {
        throw CheckpointError(
          path: file.path, what: "has carried state \(info.name) of shape \(info.shape)",
          advice: "use another checkpoint of the run", exitCode: .data)
      }
      let mine = sharding.rows(of: communicator.rank, in: shape[0])
      let part = try Tensor.empty(
        shape.dropFirst().prepending(mine.count), dtype: dtype, context: context)
      if !mine.isEmpty {
        try file.read(
          info, rows: mine,
          into: UnsafeMutableRawBufferPointer(start: part.pointer, count: part.byteCount))
      }
      rows[String(info.name.dropFirst(Trainer.carriedPrefix.count))] = part
    }
    if !rows.isEmpty { try task.restoreCarriedState(rows) }
  }
}
