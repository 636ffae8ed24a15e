import Glibc

/// A mark of the file that lies at a path at a moment: another one after each replacement.
package struct FileMark: Equatable {
  private let inode: UInt
  private let seconds: Int
  private let nanoseconds: Int
  /// The length of the file, which may have been written to since without being another.
  package let byteCount: Int

  /// When it was last written to, in seconds of the system's clock.
  package var modified: Double { Double(seconds) + Double(nanoseconds) * 1e-9 }

  /// Looks; nil where there is no file.
  package init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    inode = UInt(status.st_ino)
    seconds = status.st_mtim.tv_sec
    nanoseconds = status.st_mtim.tv_nsec
    byteCount = Int(status.st_size)
  }
}
