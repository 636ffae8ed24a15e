import DLCluster
import DLCore
import DLFormats
import DLTraining
import Glibc
import Synchronization

/// The notes that the processes of a host leave each other about their end: so that it is said
/// once, and every one knows what was said and who left without a word.
///
/// It lies in memory that the host's processes share; where there is none, each has notes of its
/// own.
final class HostNotes: @unchecked Sendable {
  /// The reason why a job ends, as the process that speaks for its host has it.
  struct Verdict: Equatable {
    let reason: RunEnd.Reason
    let exitCode: Int32
    let message: String
  }

  /// A word of 32 bits at the beginning; behind all of them come the text and the processes' marks.
  private enum Word: Int { case claimed, asked, isWhole, reason, exitCode, length }

  private static let textStart = 64
  private static let textBytes = 2048
  private static let reasons = RunEnd.Reason.allCases

  private let shared: SharedMemory?
  private let own: UnsafeMutableRawPointer?
  private let base: UnsafeMutableRawPointer
  private let processes: Int
  private let rank: Int

  /// Makes the notes of this process alone.
  init() {
    let own = HostNotes.zeroed(processes: 1)
    (shared, self.own, base, processes, rank) = (nil, own, own, 1, 0)
    join()
  }

  /// Maps the notes named by `job`, the same on all processes.
  ///
  /// - Parameters:
  ///   - rank: this process's index among all.
  ///   - processes: the number of all, on every host.
  ///   - barrier: returns when all processes have mapped theirs; called in any case.
  init(job: String, rank: Int, of processes: Int, barrier: () throws -> Void) throws {
    let name = "/dltrain-" + job
    (self.rank, self.processes) = (rank, processes)
    shared = try? SharedMemory(joining: name, byteCount: HostNotes.byteCount(processes))
    own = shared == nil ? HostNotes.zeroed(processes: processes) : nil
    // One of the two is there.
    base = shared?.pointer ?? own!
    join()
    try barrier()
    SharedMemory.unlink(name)
  }

  deinit { own?.deallocate() }

  /// Returns whether this call is the host's first: its caller says why the job ends.
  func claim() -> Bool { isFirst(.claimed) }

  /// Returns whether this call is the host's first: its caller says that the job was asked to stop.
  func claimAnswer() -> Bool { isFirst(.asked) }

  /// Tells the other processes why the job ends; of the one that has claimed to.
  func say(_ verdict: Verdict) {
    let text = Array(verdict.message.utf8.prefix(HostNotes.textBytes))
    UnsafeMutableRawBufferPointer(start: base + HostNotes.textStart, count: text.count)
      .copyBytes(from: text)
    word(.reason).pointee.store(
      UInt32(HostNotes.reasons.firstIndex(of: verdict.reason) ?? 0), ordering: .relaxed)
    word(.exitCode).pointee.store(UInt32(bitPattern: verdict.exitCode), ordering: .relaxed)
    word(.length).pointee.store(UInt32(text.count), ordering: .relaxed)
    word(.isWhole).pointee.store(1, ordering: .releasing)
  }

  /// The reason why the job ends, once a process of this host has said so.
  var verdict: Verdict? {
    guard word(.isWhole).pointee.load(ordering: .acquiring) == 1 else { return nil }
    let count = min(Int(word(.length).pointee.load(ordering: .relaxed)), HostNotes.textBytes)
    let text = UnsafeRawBufferPointer(start: base + HostNotes.textStart, count: count)
    let reason = Int(word(.reason).pointee.load(ordering: .relaxed))
    return Verdict(
      reason: HostNotes.reasons.indices.contains(reason) ? HostNotes.reasons[reason] : .failed,
      exitCode: Int32(bitPattern: word(.exitCode).pointee.load(ordering: .relaxed)),
      message: String(decoding: text, as: UTF8.self))
  }

  /// Notes that this process is about to end by itself.
  func noteLeaving() { mark(rank, 1).pointee.store(1, ordering: .releasing) }

  /// The processes of this host that have ended without having said that they would: killed, or
  /// ended by a fault of their own.
  var lost: [Int] {
    guard shared != nil else { return [] }
    return (0..<processes).filter { process in
      let number = mark(process, 0).pointee.load(ordering: .acquiring)
      return process != rank && number != 0 && HostNotes.isGone(pid_t(bitPattern: number))
        && mark(process, 1).pointee.load(ordering: .acquiring) == 0
    }
  }

  private func join() {
    mark(rank, 0).pointee.store(UInt32(bitPattern: getpid()), ordering: .releasing)
  }

  private func isFirst(_ name: Word) -> Bool {
    word(name).pointee.compareExchange(
      expected: 0, desired: 1, ordering: .acquiringAndReleasing
    ).exchanged
  }

  private func word(_ word: Word) -> UnsafeMutablePointer<Atomic<UInt32>> {
    at(word.rawValue * 4)
  }

  /// A process's number (0), and whether it ends by itself (1).
  private func mark(_ process: Int, _ index: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    at(HostNotes.textStart + HostNotes.textBytes + 8 * process + 4 * index)
  }

  // Fresh segments hold zeros, which are atomics with the value 0.
  private func at(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  private static func byteCount(_ processes: Int) -> Int { textStart + textBytes + 8 * processes }

  private static func zeroed(processes: Int) -> UnsafeMutableRawPointer {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount(processes), alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount(processes))
    return memory
  }

  private static func isGone(_ process: pid_t) -> Bool {
    ProcessState(of: process)?.hasEnded ?? (kill(process, 0) != 0 && errno == ESRCH)
  }
}
