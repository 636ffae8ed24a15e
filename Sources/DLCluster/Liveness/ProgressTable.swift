import Glibc
import Synchronization

/// The activities of all ranks of a job, for the threads that watch it.
///
/// The processes of a host have one table in their memory, where each rank writes its own place;
/// those of ranks on other hosts are written there as ``Heartbeats`` bring them. Processes that
/// share no memory count as hosts of their own.
package final class ProgressTable: @unchecked Sendable {
  /// A process of the job.
  package struct Process: Sendable, Equatable {
    /// The name of its host.
    package let host: String
    /// Its number there.
    package let number: pid_t
  }

  /// The ranks of the job.
  package let size: Int
  /// The processes, each of which has `size / processes.count` ranks.
  package let processes: [Process]
  /// The ranks of each host, in the order of their first ones.
  package let hosts: [[Int]]
  /// The number of this host.
  package let home: Int
  /// The first process of each host.
  let leaders: [Int]
  private let memory: SharedMemory

  private static let headerBytes = 64
  private static let slotBytes = 64

  private init(
    memory: SharedMemory, threads: Int, processes: [Process], leaderOf: [Int], process: Int
  ) {
    self.memory = memory
    self.processes = processes
    size = processes.count * threads
    let leaders = Set(leaderOf).sorted()
    self.leaders = leaders
    hosts = leaders.map { leader in
      leaderOf.indices.filter { leaderOf[$0] == leader }.flatMap {
        $0 * threads..<($0 + 1) * threads
      }
    }
    home = leaders.firstIndex(of: leaderOf[process]) ?? 0
  }

  /// Makes the board of a process that is alone, with a rank for each of its threads.
  ///
  /// - Throws: `ClusterError` without memory.
  package convenience init(threads: Int) throws {
    self.init(
      memory: try SharedMemory(byteCount: ProgressTable.byteCount(threads)), threads: threads,
      processes: [Process(host: "this host", number: getpid())], leaderOf: [0], process: 0)
  }

  /// Makes the board of a job of several processes; collective.
  ///
  /// - Parameters:
  ///   - host: this host's name.
  ///   - threads: the ranks of each process.
  ///   - sharesHosts: whether the memory of hosts may be used.
  /// - Throws: `ClusterError` where MPI fails, or without memory.
  package static func make(
    over processes: MPICommunicator, host name: String, threads: Int, sharesHosts: Bool
  ) throws -> ProgressTable {
    let bytes = byteCount(processes.size * threads)
    let shared = sharesHosts ? try share(processes, bytes) : nil
    let leader = shared?.leader ?? processes.rank
    let memory = try shared?.memory ?? SharedMemory(byteCount: bytes)
    let leaders = try processes.allgather([Int64(leader), Int64(getpid())])
    // Names of one length, as a gathering wants them.
    var text = Array(name.utf8.prefix(64))
    text += Array(repeating: 0, count: 64 - text.count)
    let names = try processes.allgather(text)
    return ProgressTable(
      memory: memory, threads: threads,
      processes: (0..<processes.size).map { index in
        Process(
          host: String(
            decoding: names[index * 64..<(index + 1) * 64].prefix { $0 != 0 }, as: UTF8.self),
          number: pid_t(leaders[2 * index + 1]))
      },
      leaderOf: (0..<processes.size).map { Int(leaders[2 * $0]) }, process: processes.rank)
  }

  /// Memory that this host's processes have in common, and the first of them; nil on all of them
  /// where there is none.
  private static func share(_ processes: MPICommunicator, _ byteCount: Int) throws
    -> (memory: SharedMemory, leader: Int)?
  {
    guard let host = try processes.host(size: nil) else { return nil }
    defer { try? host.close() }
    let job = try host.broadcast(
      "\(processes.rank) \(getpid())-\(UInt64.random(in: 0...UInt64.max))", root: 0)
    let parts = job.split(separator: " ")
    let name = "/dltrain-board-\(parts[1])"
    var memory = host.rank == 0 ? try? SharedMemory(creating: name, byteCount: byteCount) : nil
    try host.barrier()
    if host.rank != 0 { memory = try? SharedMemory(opening: name, byteCount: byteCount) }
    let isMissing = try host.allgather([Int64(memory == nil ? 1 : 0)]).contains(1)
    if host.rank == 0 { shm_unlink(name) }
    guard !isMissing, let memory, let leader = Int(parts[0]) else { return nil }
    return (memory, leader)
  }

  private static func byteCount(_ ranks: Int) -> Int { headerBytes + ranks * slotBytes }

  /// The place where a rank of this host shows its progress.
  package func progress(of rank: Int) -> RankProgress { RankProgress(slot(rank), owner: self) }

  /// The state that a rank showed last.
  package func state(of rank: Int) -> RankState {
    RankState { (slot(rank) + $0.rawValue).pointee.load(ordering: .relaxed) }
  }

  /// All signs of progress of all ranks: the job stands still while it stays the same.
  package var total: UInt64 { (0..<size).reduce(0) { $0 &+ state(of: $1).progress } }

  /// Returns whether this call is the host's first for the standstill at a total.
  package func claim(_ total: UInt64) -> Bool {
    let word = atoms(0)
    let claimed = word.pointee.load(ordering: .relaxed)
    return claimed != total &+ 1
      && word.pointee.compareExchange(
        expected: claimed, desired: total &+ 1, ordering: .relaxed
      ).exchanged
  }

  /// True if a process of this host has ended the job.
  package var isEnded: Bool { atoms(8).pointee.load(ordering: .relaxed) != 0 }

  /// Tells this host's processes that the job ends: a launcher that is out of reach cannot.
  package func end() { atoms(8).pointee.store(1, ordering: .relaxed) }

  /// The process of a rank.
  package func process(of rank: Int) -> Process { processes[rank / (size / processes.count)] }

  private func slot(_ rank: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    atoms(ProgressTable.headerBytes + rank * ProgressTable.slotBytes)
  }

  private func atoms(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    (memory.pointer + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }
}

extension ProgressTable {
  /// Bytes that hold the board.
  var imageBytes: Int { size * RankProgress.Word.allCases.count * 8 }

  /// Copies the board.
  func write(to image: UnsafeMutableRawPointer) {
    var next = image
    for rank in 0..<size {
      for word in RankProgress.Word.allCases {
        next.storeBytes(
          of: (slot(rank) + word.rawValue).pointee.load(ordering: .relaxed), as: UInt64.self)
        next += 8
      }
    }
  }

  /// Takes over from another's copy what ranks of other hosts have shown since.
  func read(from image: UnsafeRawPointer) {
    let count = RankProgress.Word.allCases.count
    for (host, ranks) in hosts.enumerated() where host != home {
      for rank in ranks {
        let words = image + rank * count * 8
        let there = RankState {
          words.loadUnaligned(fromByteOffset: $0.rawValue * 8, as: UInt64.self)
        }
        guard there.progress > state(of: rank).progress else { continue }
        for word in RankProgress.Word.allCases {
          let value = words.loadUnaligned(fromByteOffset: word.rawValue * 8, as: UInt64.self)
          (slot(rank) + word.rawValue).pointee.store(value, ordering: .relaxed)
        }
      }
    }
  }
}
