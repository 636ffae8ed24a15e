import Glibc

extension File {
  /// The kinds of things that can lie at a path.
  package enum Kind: Sendable, Hashable {
    /// A regular file.
    case file
    /// A folder.
    case folder
    /// A device, a pipe or a socket.
    case other
  }

  /// The kind of what lies at a path, behind links; nil where there is nothing.
  ///
  /// - Throws: `FormatError` where something may be there and the system does not tell what, as in a
  ///   folder without permission or at a link that leads nowhere.
  package static func kind(of path: String) throws -> Kind? {
    var status = stat()
    guard stat(path, &status) != 0 else {
      return switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .folder
      default: .other
      }
    }
    let code = errno
    guard meansAbsent(code) else { throw failure(path, code) }
    // A link is there even where what it names is not.
    if lstat(path, &status) == 0 { throw failure(path, code, "cannot follow the link") }
    guard meansAbsent(errno) else { throw failure(path, errno) }
    return nil
  }

  /// Returns whether something exists at the path, or may: where the system does not tell, opening
  /// it says why.
  package static func exists(_ path: String) -> Bool {
    access(path, F_OK) == 0 || !meansAbsent(errno)
  }

  /// Returns whether the path is a folder; false too where the system does not tell, which
  /// ``kind(of:)`` says.
  package static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// The last name of a path.
  package static func name(of path: String) -> String { split(path).name }

  /// Returns whether a system call has failed since nothing of that name exists.
  private static func meansAbsent(_ code: Int32) -> Bool {
    code == ENOENT || code == ENOTDIR || code == ENAMETOOLONG
  }

  private static func failure(_ path: String, _ code: Int32, _ what: String = "cannot stat")
    -> FormatError
  {
    FormatError(
      .io, file: path, "\(what): \(String(cString: strerror(code)))",
      advice: code == EACCES || code == EPERM ? "check the permissions" : "check the path")
  }
}
