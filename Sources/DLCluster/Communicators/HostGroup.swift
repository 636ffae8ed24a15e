import CSystem
import DLCore
import Glibc

/// The ranks of one host, over memory that its processes share: a barrier, and for each rank two
/// slots for what it tells the others.
///
/// The slots are used in turn. A rank that writes a slot again has passed the barrier of the call
/// between, where all had read it.
final class HostGroup: @unchecked Sendable {
  /// The members, ascending, as ranks of the job.
  let ranks: [Int]
  /// The name that the segments of this group have in common.
  let job: String
  /// All hosts of the job; nil where there is one.
  let hosts: HostTable?
  private let memory: SharedMemory
  private let failed: UnsafeMutablePointer<UInt32>

  /// Bytes of a slot behind its header.
  static let slotBytes = 64 << 10
  static let headerBytes = 64
  /// From a member's slot to the next member's of the same turn.
  static let strideBytes = 2 * (headerBytes + slotBytes)

  private init(ranks: [Int], job: String, hosts: HostTable?, memory: SharedMemory) {
    self.ranks = ranks
    self.job = job
    self.hosts = hosts
    self.memory = memory
    failed = .allocate(capacity: 1)
    failed.initialize(to: 0)
  }

  deinit { failed.deallocate() }

  /// Makes the group of this process's host; collective over all processes.
  ///
  /// Nil, with the reason, on every process where any host lacks the shared memory; nil without one
  /// where no process shares its host with another.
  static func make(over processes: MPICommunicator, threads: Int, hostSize: Int? = nil) throws -> (
    group: HostGroup?, reason: String?
  ) {
    guard let host = try processes.host(size: hostSize) else { return (nil, nil) }
    defer { try? host.close() }
    let sizes = try processes.allgather([Int64(host.size)])
    if sizes.allSatisfy({ $0 == 1 }) { return (nil, nil) }
    let members = try host.allgather([Int64(processes.rank)]).flatMap {
      Int($0) * threads..<(Int($0) + 1) * threads
    }
    let job = try host.broadcast("\(getpid())-\(UInt64.random(in: 0...UInt64.max))", root: 0)
    let name = "/dltrain-group-" + job
    let byteCount = byteCount(members.count)
    var made = host.rank == 0 ? Result { try begin(name, members.count, threads) } : nil
    try host.barrier()
    if host.rank != 0 {
      made = Result { try SharedMemory(opening: name, byteCount: byteCount) }
    }
    // All have mapped it or never will.
    try host.barrier()
    if host.rank == 0 { SharedMemory.unlink(name) }
    guard let made else { return (nil, nil) }
    var reason = ""
    if case .failure(let error) = made { reason = "\(error)" }
    let bad = try processes.allgather([Int64(reason.isEmpty ? 0 : 1)]).firstIndex(of: 1)
    if let bad { return (nil, try processes.broadcast(reason, root: bad)) }
    let isOne = members.count == processes.size * threads
    let hosts = isOne ? nil : try HostTable(processes, host: members, threads: threads)
    return (HostGroup(ranks: members, job: job, hosts: hosts, memory: try made.get()), nil)
  }

  private static func byteCount(_ members: Int) -> Int {
    4096 + members * strideBytes
  }

  private static func begin(_ name: String, _ members: Int, _ threads: Int) throws -> SharedMemory {
    let memory = try SharedMemory(creating: name, byteCount: byteCount(members))
    let spins = Int(dl_cores_online()) >= members && Int(dl_cores_in_mask()) >= threads
    guard dl_barrier_place(memory.pointer, UInt32(members), spins ? spinNanoseconds : 0) != nil
    else {
      SharedMemory.unlink(name)
      throw ClusterError.system(
        op: "shared memory", errno: 12, detail: "no barrier for \(counted(members, "rank"))")
    }
    return memory
  }

  /// A slot's header; its payload lies behind it.
  func slot(_ member: Int, _ turn: Int) -> UnsafeMutableRawPointer {
    memory.pointer + 4096 + member * HostGroup.strideBytes + turn * HostGroup.strideBytes / 2
  }

  /// Waits for all members; false where one of this process has failed.
  func wait() -> Bool { dl_barrier_wait_shared(OpaquePointer(memory.pointer), failed) == 0 }
}

extension HostGroup: Abortable {
  var members: [Int] { [] }

  // Processes that fail are ended with the whole job; only the threads of this one are told.
  func abort() { failed.pointee = 1 }
}

/// A rank of a host's group: what it tells the others there, and the memory it shares with them.
final class HostDomain: MemoryDomain {
  let ranks: [Int]
  let index: Int
  private let group: HostGroup
  private var turn = 0
  private var segments = 0

  init(_ group: HostGroup, rank: Int) {
    self.group = group
    ranks = group.ranks
    index = group.ranks.firstIndex(of: rank) ?? 0
  }

  /// A rank's call, which must be the same on every rank.
  struct Call: Equatable {
    var op: ThreadCall.Op
    var size = 0
    var detail = 0
  }

  /// Tells the others up to a slot of bytes and waits for theirs, which stay until this rank's next
  /// call but one.
  func exchange(_ call: Call, _ bytes: UnsafeRawBufferPointer) throws -> Slots {
    turn ^= 1
    let mine = group.slot(index, turn)
    mine.storeBytes(of: call.op.rawValue, as: Int32.self)
    mine.storeBytes(of: call.size, toByteOffset: 8, as: Int.self)
    mine.storeBytes(of: call.detail, toByteOffset: 16, as: Int.self)
    if let from = bytes.baseAddress, !bytes.isEmpty {
      (mine + HostGroup.headerBytes).copyMemory(from: from, byteCount: bytes.count)
    }
    guard group.wait() else {
      throw ClusterError.peerFailed(op: "\(call.op)", rank: ranks[index], size: ranks.count)
    }
    for member in ranks.indices {
      let slot = group.slot(member, turn)
      guard slot.load(as: Int32.self) == call.op.rawValue,
        slot.load(fromByteOffset: 8, as: Int.self) == call.size,
        slot.load(fromByteOffset: 16, as: Int.self) == call.detail
      else {
        throw ClusterError.mismatch(
          op: "\(call.op)", rank: ranks[index], size: ranks.count,
          detail: "rank \(ranks[member]) makes another, or with another size")
      }
    }
    return Slots(first: group.slot(0, turn))
  }

  /// The words that the members have told in one call.
  struct Slots {
    let first: UnsafeMutableRawPointer

    subscript(member: Int) -> UnsafeMutableRawPointer {
      first + member * HostGroup.strideBytes + HostGroup.headerBytes
    }
  }

  func synchronize() throws {
    _ = try exchange(Call(op: .barrier), UnsafeRawBufferPointer(start: nil, count: 0))
  }

  func share(_ byteCount: Int, parts: [Range<Int>]) throws -> SharedMemory {
    segments += 1
    let name = "/dltrain-arena-\(group.job)-\(segments)"
    var made: Result<SharedMemory, any Error>?
    if index == 0 { made = Result { try SharedMemory(naming: name, byteCount: byteCount) } }
    try synchronize()
    if index != 0 { made = Result { try SharedMemory(opening: name, byteCount: byteCount) } }
    if let mapped = made {
      // Nobody writes before all have their parts, so that no access can find the space gone.
      made = Result {
        let memory = try mapped.get()
        try memory.reserve(parts, of: name)
        return memory
      }
    }
    var code: Int32 = 0
    if case .failure(let error) = made {
      code = if case .system(_, let number, _) = error as? ClusterError { number } else { 5 }
    }
    let mail = try withUnsafeBytes(of: code) { try exchange(Call(op: .share, size: byteCount), $0) }
    if index == 0 { SharedMemory.unlink(name) }
    for member in ranks.indices {
      let code = mail[member].load(as: Int32.self)
      guard code == 0 else {
        throw ClusterError.system(
          op: "shared memory", errno: code,
          detail: "/dev/shm has no room for \(byteCount) bytes: \(String(cString: strerror(code)))")
      }
    }
    guard let made else { preconditionFailure("made on every member") }
    return try made.get()
  }
}
