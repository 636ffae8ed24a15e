import Glibc

extension File {
  /// The identity of a file's content, as far as the system tells it without reading: every write
  /// changes it, and no other path that leads to the file does.
  package struct Identity: Sendable, Hashable {
    /// The length.
    package let byteCount: Int
    /// The file's number in its file system.
    package let inode: UInt64
    /// The time of the last write in nanoseconds since 1970.
    package let modified: Int
    /// The time of the last change of content or attributes, which no program can set.
    package let changed: Int

    /// Makes the identity that was noted before.
    package init(byteCount: Int, inode: UInt64, modified: Int, changed: Int) {
      self.byteCount = byteCount
      self.inode = inode
      self.modified = modified
      self.changed = changed
    }
  }

  /// The identity at this moment.
  ///
  /// - Throws: `FormatError` where the system does not tell it.
  package func identity() throws -> Identity {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw FormatError(
        .io, file: path, "cannot stat: \(String(cString: strerror(errno)))",
        advice: "check the disk and the path")
    }
    func nanoseconds(_ time: timespec) -> Int {
      time.tv_sec.multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ time.tv_nsec
    }
    return Identity(
      byteCount: Int(status.st_size), inode: UInt64(status.st_ino),
      modified: nanoseconds(status.st_mtim), changed: nanoseconds(status.st_ctim))
  }
}
