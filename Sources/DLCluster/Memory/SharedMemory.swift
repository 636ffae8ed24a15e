import Glibc

/// Zeroed memory on a page boundary that one process has, or several map.
///
/// It lives as long as the object; each mapping of several lives by itself.
package final class SharedMemory: @unchecked Sendable {
  /// The first byte.
  package let pointer: UnsafeMutableRawPointer
  /// The bytes mapped.
  package let byteCount: Int

  private init(mapping descriptor: Int32, byteCount: Int) throws {
    let size = max(byteCount, 64)
    let flags = descriptor < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED
    guard let address = mmap(nil, size, PROT_READ | PROT_WRITE, flags, descriptor, 0),
      address != MAP_FAILED
    else {
      throw ClusterError.system(
        op: "shared memory", errno: errno, detail: "no memory for \(byteCount) bytes")
    }
    pointer = address
    self.byteCount = size
  }

  deinit { munmap(pointer, byteCount) }

  /// Memory of this process alone.
  convenience init(byteCount: Int) throws {
    try self.init(mapping: -1, byteCount: byteCount)
    // Large arenas are read from end to end in every step: fewer pages are fewer faults.
    madvise(pointer, self.byteCount, Int32(MADV_HUGEPAGE))
  }

  /// Makes a segment that other processes of the host can map by its name, with its space reserved:
  /// without that a full /dev/shm would be a signal at the first access.
  ///
  /// - Throws: ``ClusterError/system(op:errno:detail:)`` where there is no space; then nothing is left.
  convenience init(creating name: String, byteCount: Int) throws {
    try self.init(reserving: name, byteCount: byteCount, flags: O_EXCL)
  }

  /// Maps the segment of a name, which the first who comes makes.
  ///
  /// - Throws: ``ClusterError/system(op:errno:detail:)`` where there is no space, and then the name
  ///   is gone too; where the system does not open or map the segment.
  package convenience init(joining name: String, byteCount: Int) throws {
    try self.init(reserving: name, byteCount: byteCount, flags: 0)
  }

  private convenience init(reserving name: String, byteCount: Int, flags: Int32) throws {
    let descriptor = shm_open(name, O_RDWR | O_CREAT | flags, 0o600)
    guard descriptor >= 0 else { throw SharedMemory.refused(byteCount, errno) }
    defer { close(descriptor) }
    let code = posix_fallocate(descriptor, 0, off_t(max(byteCount, 64)))
    guard code == 0 else {
      SharedMemory.unlink(name)
      throw SharedMemory.refused(byteCount, code)
    }
    try self.init(mapping: descriptor, byteCount: byteCount)
  }

  /// Makes a segment that others map by its name, and of which each who maps it reserves a part by
  /// ``reserve(_:of:)`` before anybody writes to it.
  ///
  /// - Throws: ``ClusterError/system(op:errno:detail:)`` where there is no space for all of it.
  package convenience init(naming name: String, byteCount: Int) throws {
    let descriptor = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0o600)
    guard descriptor >= 0 else { throw SharedMemory.refused(byteCount, errno) }
    defer { close(descriptor) }
    var status = statvfs()
    // Asked first, so that nobody fills the memory with what cannot become whole.
    if fstatvfs(descriptor, &status) == 0, status.f_blocks > 0,
      Int(status.f_bavail) < (byteCount - 1) / Int(status.f_frsize) + 1
    {
      SharedMemory.unlink(name)
      throw SharedMemory.refused(byteCount, ENOSPC)
    }
    guard ftruncate(descriptor, off_t(max(byteCount, 64))) == 0 else {
      let code = errno
      SharedMemory.unlink(name)
      throw SharedMemory.refused(byteCount, code)
    }
    try self.init(mapping: descriptor, byteCount: byteCount)
  }

  /// Reserves space for parts of a segment.
  ///
  /// Linux takes a page from the memory nearest to the core that asks for it first: so each rank asks
  /// for what it uses most.
  ///
  /// - Throws: ``ClusterError/system(op:errno:detail:)`` where there is no space.
  package func reserve(_ parts: [Range<Int>], of name: String) throws {
    let descriptor = shm_open(name, O_RDWR, 0)
    guard descriptor >= 0 else { throw SharedMemory.refused(byteCount, errno) }
    defer { close(descriptor) }
    for part in parts where !part.isEmpty {
      var code = EINTR
      while code == EINTR {
        code = posix_fallocate(descriptor, off_t(part.lowerBound), off_t(part.count))
      }
      guard code == 0 else { throw SharedMemory.refused(byteCount, code) }
    }
  }

  /// Writes a zero to every page of parts of fresh memory of this process, by which the system places
  /// it near the calling thread.
  func touch(_ parts: [Range<Int>]) {
    for part in parts {
      for place in stride(from: part.lowerBound, to: part.upperBound, by: 4096) {
        pointer.storeBytes(of: 0, toByteOffset: place, as: UInt8.self)
      }
    }
  }

  /// Takes a segment's name away; those who have mapped it keep it.
  package static func unlink(_ name: String) { shm_unlink(name) }

  /// Maps the segment that another process of the host has made.
  ///
  /// - Throws: ``ClusterError/system(op:errno:detail:)`` where there is none of that name, or it
  ///   cannot be mapped.
  package convenience init(opening name: String, byteCount: Int) throws {
    let descriptor = shm_open(name, O_RDWR, 0)
    guard descriptor >= 0 else { throw SharedMemory.refused(byteCount, errno) }
    defer { close(descriptor) }
    try self.init(mapping: descriptor, byteCount: byteCount)
  }

  private static func refused(_ byteCount: Int, _ code: Int32) -> ClusterError {
    .system(
      op: "shared memory", errno: code,
      detail: "/dev/shm has no room for \(byteCount) bytes: \(String(cString: strerror(code)))")
  }
}
