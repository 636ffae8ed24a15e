import Glibc

/// An open file descriptor, closed when the last reference goes.
///
/// Files that are read and written whole or by place go through here: calls that a signal interrupts are
/// repeated, short transfers continued, and failures thrown as `FormatError`.
package final class File: Sendable {
  /// A way of opening a file.
  package enum Mode: Sendable {
    /// An existing regular file, for reading.
    case read
    /// A new or emptied file, for writing.
    case create
    /// A new or existing file, for reading and writing, content kept.
    case update
    /// A new or existing file, for writing at its end.
    case append
  }

  /// The path as the caller gave it.
  package let path: String
  /// The descriptor, owned by this object.
  package let descriptor: Int32

  /// Opens `path`; with `.read` anything but a regular file is refused, so that no pipe can block.
  ///
  /// - Throws: `FormatError` where the text is no path, or what is there is refused or not opened.
  package init(_ path: String, _ mode: Mode) throws {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw FormatError(.io, file: path, "is not a path", advice: "name a file")
    }
    let flags =
      switch mode {
      case .read: O_RDONLY | O_NONBLOCK
      case .create: O_WRONLY | O_CREAT | O_TRUNC
      case .update: O_RDWR | O_CREAT
      case .append: O_WRONLY | O_CREAT | O_APPEND
      }
    descriptor = try retrying(path, "cannot open") { open(path, flags | O_CLOEXEC, 0o666) }
    self.path = path
    if mode == .read, (try status().st_mode & S_IFMT) != S_IFREG {
      throw FormatError(.io, file: path, "is not a regular file", advice: "name a file")
    }
  }

  deinit { close(descriptor) }

  private func status() throws -> stat {
    var status = stat()
    _ = try retrying(path, "cannot stat") { fstat(descriptor, &status) }
    return status
  }

  /// The length in bytes at this moment.
  ///
  /// - Throws: `FormatError` where the system does not tell it.
  package func byteCount() throws -> Int { Int(try status().st_size) }

  /// The two facts that a change of the content changes too: length and time of the last write.
  package struct Stamp: Equatable, Sendable {
    private let byteCount: Int
    private let seconds: Int
    private let nanoseconds: Int

    fileprivate init(_ status: stat) {
      byteCount = Int(status.st_size)
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
    }
  }

  /// The stamp at this moment.
  ///
  /// - Throws: `FormatError` where the system does not tell it.
  package func stamp() throws -> Stamp { Stamp(try status()) }

  /// Reads up to `buffer.count` bytes from `offset`; returns fewer only at the end of the file.
  ///
  /// - Throws: `FormatError` where the system cannot read.
  package func readAvailable(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws
    -> Int
  {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = try retrying(path, "cannot read", at: offset + done) {
        pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done))
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Fills `buffer` from `offset`.
  ///
  /// - Throws: `FormatError`, of content where the file ends too early, of I/O where the system
  ///   cannot read.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    let done = try readAvailable(into: buffer, at: offset)
    guard done == buffer.count else {
      throw FormatError(
        .content, file: path, at: offset + done,
        "ends \(buffer.count - done) bytes too early: it was cut short or is still being written",
        advice: "make or copy it again")
    }
  }

  /// Writes all bytes at the current position.
  ///
  /// - Throws: `FormatError` where the system cannot write them, as on a full disk.
  package func write(_ bytes: UnsafeRawBufferPointer) throws {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      done += try retrying(path, "cannot write") {
        systemWrite(descriptor, rest.baseAddress, rest.count)
      }
    }
  }

  /// Writes the text as UTF-8 at an offset, over what is there.
  ///
  /// - Throws: `FormatError` where the system cannot write it, as on a full disk.
  package func write(_ text: String, at offset: Int) throws {
    var text = text
    try text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count, let base = bytes.baseAddress {
        done += try retrying(path, "cannot write", at: offset + done) {
          pwrite(descriptor, base + done, bytes.count - done, off_t(offset + done))
        }
      }
    }
  }

  /// Writes the text as UTF-8 at the current position.
  ///
  /// - Throws: `FormatError` where the system cannot write it, as on a full disk.
  package func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
  }

  /// Cuts or extends the file to `byteCount` bytes.
  ///
  /// - Throws: `FormatError` where the system cannot do so.
  package func truncate(to byteCount: Int) throws {
    _ = try retrying(path, "cannot truncate") { ftruncate(descriptor, off_t(byteCount)) }
  }

  /// Forces the content to the disk.
  ///
  /// Devices and pipes, which cannot be synchronized, are passed over.
  ///
  /// - Throws: `FormatError` where the system cannot do so, as on a full disk.
  package func synchronize() throws {
    _ = try retrying(path, "cannot fsync") {
      let result = fsync(descriptor)
      return result != 0 && (errno == EINVAL || errno == EROFS) ? 0 : result
    }
  }
}

// `File.write` hides the C function of the same name inside the class.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}

private func systemFailure(_ path: String, _ what: String, at offset: Int?) -> FormatError {
  let code = errno
  let advice =
    switch code {
    case ENOENT: "check the path"
    case EACCES, EPERM, EROFS: "check the permissions"
    case ENOSPC, EDQUOT: "free some space or choose another folder"
    case EMFILE, ENFILE: "raise the limit of open files (ulimit -n)"
    case EISDIR, ENOTDIR: "check which of the names on the path is a folder"
    default: "check the disk and the path"
    }
  return FormatError(
    .io, file: path, at: offset, "\(what): \(String(cString: strerror(code)))", advice: advice)
}

private func retrying<R: BinaryInteger>(
  _ path: String, _ what: String, at offset: Int? = nil, _ call: () -> R
) throws -> R {
  while true {
    let result = call()
    if result != -1 { return result }
    if errno != EINTR { throw systemFailure(path, what, at: offset) }
  }
}

extension File {
  /// The whole content of a regular file of at most `limit` bytes.
  ///
  /// - Throws: `FormatError`, of content where the file is longer, of I/O where it cannot be read
  ///   or is no regular file.
  package static func contents(of path: String, limit: Int = 1 << 30) throws -> [UInt8] {
    let file = try File(path, .read)
    let count = try file.byteCount()
    guard count <= limit else {
      throw FormatError(
        .content, file: path, "has \(count) bytes, at most \(limit) are expected",
        advice: "check that it is the right file")
    }
    return try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
  }

  /// The first 4096 bytes of a file of /proc or /sys, whose length the system does not tell; nil
  /// where it cannot be read.
  package static func systemText(_ path: String) -> String? {
    guard let file = try? File(path, .read) else { return nil }
    let bytes = try? [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
      count = try file.readAvailable(into: UnsafeMutableRawBufferPointer(buffer), at: 0)
    }
    return bytes.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Replaces `path` as a whole: a reader finds the old content or the new, never a part.
  ///
  /// `body` writes to a temporary file `.NAME.PID.tmp` in the same folder, which is then forced to
  /// the disk, unless a crash may take it back (`synchronizing`), and renamed, which `committing`,
  /// called before, prevents by throwing. A device or pipe at `path` is written to instead.
  ///
  /// - Throws: what `body` and `committing` throw; `FormatError` where the file cannot be made,
  ///   forced to the disk or renamed. The temporary file is gone then, and `path` as it was.
  package static func replace<R>(
    _ path: String, synchronizing: Bool = true, committing: () throws -> Void = {},
    _ body: (File) throws -> R
  ) throws -> R {
    var status = stat()
    let isThere = stat(path, &status) == 0
    if path.isEmpty || (isThere && ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)) {
      return try body(File(path, .create))
    }
    let (folder, name) = split(path)
    let temporary = "\(folder)/.\(name).\(getpid()).tmp"
    TemporaryFiles.add(temporary)
    defer { TemporaryFiles.remove(temporary) }
    do {
      let file = try File(temporary, .create)
      let result = try body(file)
      if synchronizing { try file.synchronize() }
      try committing()
      try rename(temporary, to: path)
      if synchronizing { try synchronize(folder: folder) }
      return result
    } catch var error as FormatError where error.file == temporary {
      unlink(temporary)
      error.file = path
      throw error
    } catch {
      unlink(temporary)
      throw error
    }
  }

  /// Finds out whether a file could be replaced, by way of its temporary one; `path` stays as it is.
  ///
  /// - Throws: `FormatError` where it could not.
  package static func checkReplaceable(_ path: String) throws {
    struct Checked: Error {}
    guard !isFolder(path) else {
      throw FormatError(.io, file: path, "is a folder", advice: "name a file")
    }
    do {
      try replace(path, synchronizing: false, committing: { throw Checked() }) { _ in }
    } catch is Checked {}
  }

  /// The folder and the last name of a path; the folder of a bare name is ".".
  package static func split(_ path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let folder = path[..<slash]
    return (folder.isEmpty ? "/." : String(folder), String(path[path.index(after: slash)...]))
  }

  /// Renames within a file system, replacing the target.
  ///
  /// - Throws: `FormatError` about `target` where the system refuses it.
  package static func rename(_ path: String, to target: String) throws {
    _ = try retrying(target, "cannot rename \(path) to it") { systemRename(path, target) }
  }

  /// Removes a file; false if there was none.
  ///
  /// - Throws: `FormatError` where there is one and it cannot be removed.
  @discardableResult
  package static func remove(_ path: String) throws -> Bool {
    let result = try retrying(path, "cannot remove") {
      let result = unlink(path)
      return result != 0 && errno == ENOENT ? 1 : result
    }
    return result == 0
  }

  /// Forces a folder's entries to the disk.
  ///
  /// - Throws: `FormatError` where the folder cannot be opened, or forced to the disk.
  package static func synchronize(folder: String) throws {
    let descriptor = try retrying(folder, "cannot open") {
      open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    defer { close(descriptor) }
    _ = try retrying(folder, "cannot fsync") {
      let result = fsync(descriptor)
      return result != 0 && (errno == EINVAL || errno == EROFS) ? 0 : result
    }
  }

  /// Makes a folder and those above it; an existing one is fine.
  ///
  /// - Throws: `FormatError` about the first of them that is not there and cannot be made.
  package static func makeFolder(_ path: String) throws {
    if isFolder(path) { return }
    let parent = split(path).folder
    if parent != path, !path.isEmpty, parent != "." { try makeFolder(parent) }
    _ = try retrying(path, "cannot make the folder") {
      let result = mkdir(path, 0o777)
      return result != 0 && errno == EEXIST && isFolder(path) ? 0 : result
    }
  }

  /// The names in a folder, sorted, without "." and "..".
  ///
  /// - Throws: `FormatError` where the folder cannot be opened or read.
  package static func list(_ path: String) throws -> [String] {
    guard let folder = opendir(path) else {
      throw systemFailure(path, "cannot list the folder", at: nil)
    }
    defer { closedir(folder) }
    var names: [String] = []
    errno = 0
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
      errno = 0
    }
    if errno != 0 { throw systemFailure(path, "cannot list the folder", at: nil) }
    return names.sortedByScalars()
  }
}

private func systemRename(_ path: String, _ target: String) -> Int32 { rename(path, target) }
