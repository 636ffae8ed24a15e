import DLCluster
import DLCore
import DLFormats
import DLLayers
import DLTensor

/// The state that a task carries from step to step, as that of a recurrent network.
///
/// It belongs to rows, and rows to ranks: a checkpoint holds the rows of all ranks in the order of the
/// batch, so that a run can go on at another number of ranks.
final class PersistentState: TrainerPart {
  private let run: TrainingRun
  private var communicator: TimedCommunicator { run.communicator }

  private init(_ run: TrainingRun) { self.run = run }

  static func make(for run: TrainingRun) -> PersistentState? { PersistentState(run) }

  /// The first part of the name of every tensor of carried state in a checkpoint.
  static let prefix = "carried."
  static var tensorPrefix: String? { prefix }

  private static let microBatchesKey = "carried_micro_batches"

  /// A state belongs to a micro-batch, of which a step has so many.
  private var microBatches: String { String(run.configuration.accumulate) }

  var notes: [String: String] {
    run.task.carriesState ? [Self.microBatchesKey: microBatches] : [:]
  }

  /// A checkpoint of an earlier version does not say.
  func restoreNotes(from file: SafetensorsFile) throws {
    guard run.task.carriesState, let theirs = file.metadata[Self.microBatchesKey],
      theirs != microBatches
    else { return }
    throw CheckpointError.ofOtherJob(
      file.path, "carries the states of accumulate \(theirs), this run has \(microBatches)",
      hasWeights: true)
  }

  func gather() throws -> [StateDict.Entry] {
    let own = try communicator.agreed("gather the carried state") { try run.task.carriedState }
    return try own.map { name, rows in
      let all = try gather(rows)
      return StateDict.Entry(
        name: PersistentState.prefix + name, fileShape: all.shape.dimensions, layout: .plain,
        tensor: all)
    }
  }

  /// The rows of all ranks, one rank behind another: `[rows of all, ...]`.
  private func gather(_ rows: Tensor) throws -> Tensor {
    let context = run.context
    let rowShape = rows.shape.dropFirst()
    let counts = try communicator.allgather([rows.shape[0]])
    let largest = counts.max() ?? 0
    let padded = try Tensor.zeros(rowShape.prepending(largest), dtype: rows.dtype, context: context)
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
    return result
  }

  /// Hands the task this rank's rows.
  func restore(from file: SafetensorsFile) throws {
    var rows: [String: Tensor] = [:]
    for info in file.tensors where info.name.hasPrefix(PersistentState.prefix) {
      guard let shape = Shape(checking: info.shape), shape.rank > 0, let dtype = DType(info.dtype)
      else {
        throw CheckpointError(
          path: file.path, what: "has carried state \(info.name) of shape \(info.shape)",
          advice: "use another checkpoint of the run", exitCode: .data)
      }
      let own = run.sharding.rows(of: communicator.rank, in: shape[0])
      let part = try Tensor.empty(
        shape.dropFirst().prepending(own.count), dtype: dtype, context: run.context)
      if !own.isEmpty {
        try file.read(
          info, rows: own,
          into: UnsafeMutableRawBufferPointer(start: part.pointer, count: part.byteCount))
      }
      rows[String(info.name.dropFirst(PersistentState.prefix.count))] = part
    }
    if !rows.isEmpty { try run.task.restoreCarriedState(rows) }
  }
}

extension TrainingTask {
  /// The capabilities that cannot be had of the task.
  var demands: [Demand] {
    guard carriesState else { return [] }
    return [
      Demand(
        key: "model", name: "a model that carries state from batch to batch",
        precludes: [.repeatedPasses])
    ]
  }
}
