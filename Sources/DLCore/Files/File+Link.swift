import Glibc

extension File {
  /// The path that a symbolic link points to; `/proc/self/exe` points to the running program.
  ///
  /// - Throws: `FormatError` where there is no link at the path, or it cannot be read.
  package static func linkTarget(_ path: String) throws -> String {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
      let count = buffer.baseAddress.map { readlink(path, $0, buffer.count) } ?? -1
      guard count >= 0 else {
        throw FormatError(
          .io, file: path, "cannot read the link: \(String(cString: strerror(errno)))",
          advice: "check the path")
      }
      return String(decoding: UnsafeRawBufferPointer(buffer).prefix(count), as: UTF8.self)
    }
  }

  /// Returns whether two paths lead to one existing file.
  package static func areSame(_ path: String, _ other: String) -> Bool {
    var first = stat()
    var second = stat()
    guard stat(path, &first) == 0, stat(other, &second) == 0 else { return false }
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  /// Gives a file a second name; false where that name is taken.
  ///
  /// - Throws: `FormatError` where the system refuses it for another reason than that the name is
  ///   taken.
  package static func link(_ path: String, to name: String) throws -> Bool {
    guard systemLink(path, name) != 0 else { return true }
    guard errno == EEXIST else {
      throw FormatError(
        .io, file: name, "cannot be linked: \(String(cString: strerror(errno)))",
        advice: "check the disk and the path")
    }
    return false
  }
}

private func systemLink(_ path: String, _ name: String) -> Int32 { link(path, name) }
