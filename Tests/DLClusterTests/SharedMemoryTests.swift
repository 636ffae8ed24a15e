import DLCluster
import Glibc
import Testing

/// Memory of a host that ranks reserve part by part.
@Suite struct SharedMemoryTests {
  private func name() -> String { "/dltrain-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max))" }

  /// The bytes of memory that a segment takes; nil where there is none of that name.
  private func reserved(_ name: String) -> Int? {
    var status = stat()
    guard stat("/dev/shm" + name, &status) == 0 else { return nil }
    return Int(status.st_blocks) * 512
  }

  @Test(arguments: [1, 2, 3, 4, 7], [100, 4096, 1_000_000])
  func partsOfAllMembersAreTheWhole(members: Int, byteCount: Int) {
    let all = (0..<members).flatMap {
      ShardedReducer.parts(of: $0, members: members, byteCount)
    }.sorted { $0.lowerBound < $1.lowerBound }
    #expect(all.first?.lowerBound == 0)
    for (part, next) in zip(all, all.dropFirst()) { #expect(part.upperBound == next.lowerBound) }
    // The parameters, and behind them as many bytes of gradients for each.
    #expect((all.last?.upperBound ?? 0) >= byteCount * (members + 1))
  }

  @Test func everyMemberReservesItsOwnPartAndNoMore() throws {
    let (members, count) = (3, 1 << 20)
    let parts = (0..<members).map { ShardedReducer.parts(of: $0, members: members, count) }
    let total = parts.flatMap { $0 }.map(\.upperBound).max() ?? 0
    let name = name()
    let memory = try SharedMemory(naming: name, byteCount: total)
    defer { SharedMemory.unlink(name) }
    #expect(reserved(name) == 0)
    var before = 0
    for part in parts {
      let mapping = try SharedMemory(opening: name, byteCount: total)
      try mapping.reserve(part, of: name)
      let now = try #require(reserved(name))
      let own = part.reduce(0) { $0 + $1.count }
      // Pages at the bounds belong to whoever comes first.
      #expect(abs(now - before - own) <= 4 * 4096)
      before = now
    }
    #expect(before >= total && before < total + 4096)
    let other = try SharedMemory(opening: name, byteCount: total)
    memory.pointer.storeBytes(of: 7, toByteOffset: total - 1, as: UInt8.self)
    #expect(other.pointer.load(fromByteOffset: total - 1, as: UInt8.self) == 7)
    #expect(reserved(name) == before)
  }

  @Test func whatDoesNotFitIsRefusedBeforeAnyOfItIsTaken() throws {
    var status = statvfs()
    #expect(statvfs("/dev/shm", &status) == 0)
    // A file system without a limit takes anything until the memory is full.
    guard status.f_blocks > 0 else { return }
    let name = name()
    let tooMuch = (Int(status.f_bavail) + (1 << 18)) * Int(status.f_frsize)
    let error = #expect(throws: ClusterError.self) {
      try SharedMemory(naming: name, byteCount: tooMuch)
    }
    guard case .system(_, let number, let detail) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(number == ENOSPC && detail.contains("/dev/shm has no room for \(tooMuch) bytes"))
    #expect(reserved(name) == nil)
  }
}
