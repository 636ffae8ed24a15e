import Glibc
import Synchronization

/// A flag that one process of a host can claim, so that what concerns all of them is said once.
///
/// It lies in a page that the host's processes share; where there is none, each has a flag of its
/// own.
final class HostFlag: @unchecked Sendable {
  // Only ever touched by atomic operations; it lives as long as the process.
  private let flag: UnsafeMutablePointer<Atomic<UInt32>>

  /// Makes a flag for this process alone.
  init() { flag = HostFlag.bound(HostFlag.privatePage()) }

  /// Maps the flag named by `job`, the same on all processes.
  ///
  /// - Parameter barrier: returns when all processes have mapped theirs; called in any case.
  init(job: String, barrier: () throws -> Void) throws {
    let name = "/dltrain-" + job
    flag = HostFlag.bound(HostFlag.map(name) ?? HostFlag.privatePage())
    try barrier()
    shm_unlink(name)
  }

  /// Whether this call is the host's first.
  func claim() -> Bool {
    flag.pointee.compareExchange(expected: 0, desired: 1, ordering: .acquiringAndReleasing)
      .exchanged
  }

  private static let byteCount = 64

  private static func bound(_ page: UnsafeMutableRawPointer) -> UnsafeMutablePointer<Atomic<UInt32>>
  {
    page.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
  }

  private static func map(_ name: String) -> UnsafeMutableRawPointer? {
    let descriptor = shm_open(name, O_RDWR | O_CREAT, 0o600)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    // Without space reserved, a full /dev/shm would be a signal at the first access.
    guard posix_fallocate(descriptor, 0, off_t(byteCount)) == 0 else { return nil }
    let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    return address == MAP_FAILED ? nil : address
  }

  private static func privatePage() -> UnsafeMutableRawPointer {
    let page = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
    memset(page, 0, byteCount)
    return page
  }
}
