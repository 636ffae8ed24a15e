import DLCluster
import DLCore
import DLFormats
import DLTensor
import Glibc
import Synchronization

/// Writes the checkpoints of a run on a thread of its own, each from a copy of the state.
///
/// A step waits for the copy, and for the checkpoint before where that is still being written. Rank
/// 0 alone has one.
final class CheckpointWriter {
  private let thread: BackgroundThread
  private let work: CheckpointWork

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - folder: where the files go.
  ///   - lease: without it nothing is written.
  ///   - keep: how many of the newest files stay.
  ///   - track: takes a span for each file; nil where none is recorded.
  ///   - didWrite: told of every file that is whole and marked as the latest, on the thread.
  init(
    folder: CheckpointFolder, lease: RunLock, keep: Int, track: Track?,
    didWrite: @escaping @Sendable (_ path: String) -> Void
  ) throws {
    work = CheckpointWork(
      folder: folder, lease: lease, keep: keep, track: track, didWrite: didWrite)
    thread = try BackgroundThread("checkpoint")
  }

  /// Ends the thread once the file that it has in work is written.
  func end() { thread.end() }

  /// Copies the state; the file is written from the copy, after this has returned.
  ///
  /// - Throws: what went wrong with the file before it; an error where there is no memory for the
  ///   copy.
  func write(
    _ entries: [StateDict.Entry], position: CheckpointPosition, notes: [String: String]
  ) throws {
    try finish()
    try work.snapshot.take(entries)
    thread.submit { [work] in work.write(position, notes: notes) }
  }

  /// Returns when every file is written.
  ///
  /// - Throws: what went wrong with the last one.
  func finish() throws {
    thread.wait()
    try throwFailure()
  }

  /// Throws what has gone wrong by now, without waiting.
  func throwFailure() throws {
    if let failure = work.failure.withLock({ $0 }) { throw failure }
  }
}

/// The state that the thread and the rank share: they take turns with the snapshot.
private final class CheckpointWork: @unchecked Sendable {
  let snapshot = CheckpointSnapshot()
  let failure = Mutex<(any Error)?>(nil)
  private let folder: CheckpointFolder
  private let lease: RunLock
  private let keep: Int
  private let track: Track?
  private let didWrite: @Sendable (String) -> Void

  init(
    folder: CheckpointFolder, lease: RunLock, keep: Int, track: Track?,
    didWrite: @escaping @Sendable (String) -> Void
  ) {
    self.folder = folder
    self.lease = lease
    self.keep = keep
    self.track = track
    self.didWrite = didWrite
  }

  func write(_ position: CheckpointPosition, notes: [String: String]) {
    let path = folder.file(step: position.step)
    let start = track == nil ? 0 : monotonicNanoseconds()
    defer {
      track?.record(
        TimeSpan(.checkpoint, from: start, to: monotonicNanoseconds(), detail: position.step))
    }
    do {
      try Checkpoint.write(
        snapshot.fileTensors, position: position, notes: notes, to: path,
        committing: lease.check)
      try lease.check()
      try folder.markLatest(step: position.step, committing: lease.check)
      // Pruning removes files, too.
      try lease.check()
      try folder.prune(keep: keep, best: position.best?.step, current: position.step)
      didWrite(path)
    } catch {
      failure.withLock { $0 = error }
    }
  }
}

/// The tensors of a checkpoint, copied in the layouts of the file into memory that is kept from one
/// to the next.
private final class CheckpointSnapshot {
  private struct Piece {
    let name: String
    let dtype: SafetensorsType
    let shape: [Int]
    let bytes: Range<Int>
  }

  private var pieces: [Piece] = []
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  deinit { free(memory.baseAddress) }

  /// Replaces the copy.
  func take(_ entries: [StateDict.Entry]) throws {
    let tensors = entries.map { ($0.fileTensor, $0.tensor.byteCount) }
    try reserve(tensors.reduce(0) { $0 + $1.1 })
    pieces.removeAll(keepingCapacity: true)
    var end = 0
    for (tensor, byteCount) in tensors {
      let start = end
      try tensor.produce { bytes in
        guard bytes.count <= start + byteCount - end else {
          throw TensorError(
            op: "checkpoint", "\(tensor.name) is larger than its shape", exitCode: .fault)
        }
        UnsafeMutableRawBufferPointer(rebasing: memory[end...]).copyMemory(from: bytes)
        end += bytes.count
      }
      pieces.append(
        Piece(name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, bytes: start..<end))
    }
  }

  /// The copy, to be written.
  var fileTensors: [SafetensorsTensor] {
    pieces.map { piece in
      SafetensorsTensor(
        name: piece.name, dtype: piece.dtype, shape: piece.shape,
        bytes: UnsafeRawBufferPointer(rebasing: memory[piece.bytes]))
    }
  }

  private func reserve(_ byteCount: Int) throws {
    guard byteCount > memory.count else { return }
    free(memory.baseAddress)
    guard let start = malloc(byteCount) else {
      memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      throw TensorError(
        op: "checkpoint", "no memory for a copy of \(byteCount) bytes", exitCode: .fault)
    }
    memory = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }
}
