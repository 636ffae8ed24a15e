import DLCluster
import DLCore
import DLFormats

/// The ranks of a job as readers of one checkpoint: those of a host check a slice of the file each,
/// so that every host reads it once, and all come to the same result.
struct CheckpointReaders {
  private let communicator: any Communicator
  /// A number for the host of each rank.
  private let hosts: [UInt64]

  /// Finds out which ranks share a host; collective.
  init(_ communicator: any Communicator) throws {
    self.communicator = communicator
    let boot = File.systemText("/proc/sys/kernel/random/boot_id") ?? hostName()
    hosts = try communicator.allgather([stableHash(boot)])
  }

  /// Opens a checkpoint on every rank and checks it; collective.
  ///
  /// - Returns: the same on all ranks; a fault of one is a fault of all, the worst before others.
  func examine(_ path: String) throws -> CheckpointSearch.Outcome {
    let opened = Result { try Checkpoint.openHeader(path) }
    if let fault = try agree(path, opened) { return .fault(fault) }
    let checkpoint = try opened.get()
    let identities = try communicator.allgather([stableHash(checkpoint.identity)])
    guard identities.allSatisfy({ $0 == identities[0] }) else {
      return .fault(
        CheckpointFault(
          path, .unreadable, "is not the same file on all ranks",
          advice: "put the run folder where all hosts see it"))
    }
    let mine = hosts[communicator.rank]
    let slice = CheckpointSlice(
      of: checkpoint, part: hosts[..<communicator.rank].count { $0 == mine },
      parts: hosts.count { $0 == mine })
    let read = Result { try slice.read(checkpoint) }
    if let fault = try agree(path, read) { return .fault(fault) }
    let slices = try communicator.allgather(encode(try read.get()))
    let width = slices.count / communicator.size
    for host in Set(hosts) {
      let sums = hosts.indices.filter { hosts[$0] == host }.map {
        decode(slices[$0 * width..<($0 + 1) * width])
      }
      if let bad = CheckpointSlice.firstBad(sums, checkpoint) {
        return .fault(CheckpointFault(path, Checkpoint.damagedTensor(bad, checkpoint)))
      }
    }
    return .whole(checkpoint)
  }

  /// The steps of a folder's checkpoints as rank 0 sees them, oldest first; collective.
  func steps(of folder: CheckpointFolder) throws -> [Int] {
    let steps = try communicator.agreed("list \(folder.path)") {
      communicator.rank == 0 ? try folder.steps() : []
    }
    let count = try communicator.allgather([steps.count])[0]
    var all = steps + [Int](repeating: 0, count: max(count - steps.count, 0))
    if count > 0 { try all.withUnsafeMutableBytes { try communicator.broadcast($0, root: 0) } }
    return all
  }

  /// Opens and checks a file that the user has named; collective.
  func whole(_ path: String) throws -> Checkpoint.Opened {
    try refusing {
      switch try examine(path) {
      case .whole(let checkpoint): return checkpoint
      case .fault(let fault):
        throw CheckpointRefusal(faults: [fault], older: nil, purpose: .named)
      }
    }
  }

  /// Turns a refusal, which all ranks come to alike, into one failure of them all.
  func refusing<R>(_ body: () throws -> R) throws -> R {
    func failure(_ error: any DLError) -> RankFailure {
      RankFailure(rank: 0, exitCode: error.exitCode, message: error.description)
    }
    do {
      return try body()
    } catch let refusal as CheckpointRefusal {
      throw failure(refusal)
    } catch let error as RunFolderError {
      throw failure(error)
    }
  }

  /// The worst fault of any rank; nil where none has one.
  private func agree<R>(_ path: String, _ outcome: Result<R, any Error>) throws -> CheckpointFault?
  {
    var mine: CheckpointFault?
    if case .failure(let error) = outcome { mine = CheckpointFault(path, error) }
    let causes = try communicator.allgather([Int64(mine?.cause.rawValue ?? 0)])
    guard let worst = causes.max(), let cause = CheckpointFault.Cause(rawValue: Int(worst)),
      let rank = causes.firstIndex(of: worst)
    else { return nil }
    let what = try communicator.broadcast(mine?.what ?? "", root: rank)
    let advice = try communicator.broadcast(mine?.advice ?? "", root: rank)
    let place = causes.allSatisfy { $0 == worst } ? "" : " (rank \(rank))"
    return CheckpointFault(path, cause, what + place, advice: advice)
  }

  /// As numbers of one length.
  private func encode(_ sums: CheckpointSlice.Sums) -> [Int64] {
    let pieces = sums.pieces + [CheckpointSlice.Piece](repeating: .init(), count: 2)
    return [Int64(sums.bad ?? -1)]
      + pieces.prefix(2).flatMap {
        [Int64($0.tensor), Int64($0.sum.value), Int64($0.byteCount)]
      }
  }

  private func decode(_ numbers: ArraySlice<Int64>) -> CheckpointSlice.Sums {
    let all = numbers.map { Int($0) }
    let pieces = stride(from: 1, to: all.count, by: 3).map {
      CheckpointSlice.Piece(
        tensor: all[$0], sum: CRC32(value: UInt32(truncatingIfNeeded: all[$0 + 1])),
        byteCount: all[$0 + 2])
    }
    return CheckpointSlice.Sums(
      bad: all[0] < 0 ? nil : all[0], pieces: pieces.filter { $0.tensor >= 0 })
  }
}
